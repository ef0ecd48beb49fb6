namespace Gristmill.Engine;

/// <summary>What can be asked of a grain or of a reference to one.</summary>
public static class GrainExtensions
{
    /// <summary>The key the grain was asked for with.</summary>
    /// <param name="grain">A grain or a reference to one.</param>
    /// <exception cref="ArgumentException">It is neither.</exception>
    public static string GetPrimaryKeyString(this IAddressable grain)
    {
        ArgumentNullException.ThrowIfNull(grain);
        return grain switch
        {
            Grain instance => instance.Activation.Id.Key,
            GrainProxy proxy => proxy.Id.Key,
            _ => throw new ArgumentException($"{grain.GetType()} is neither a grain nor a reference to one.", nameof(grain)),
        };
    }
}

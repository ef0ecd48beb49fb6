namespace Gristmill.Grains.Silo;

/// <summary>Who this silo is, and the source of its fencing counters.</summary>
/// <param name="Name">The name for people.</param>
public sealed record SiloIdentity(string Name)
{
    private long _counter;

    /// <summary>This run of the silo: another id after each start.</summary>
    public string Id { get; } = NewGeneration();

    /// <summary>A number that this process has never used before: the counter of a fencing token.</summary>
    public long NextCounter() => Interlocked.Increment(ref _counter);

    /// <summary>A new generation: 22 letters and digits of a GUID.</summary>
    public static string NewGeneration() =>
        System.Buffers.Text.Base64Url.EncodeToString(Guid.NewGuid().ToByteArray());
}

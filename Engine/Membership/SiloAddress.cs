using System.Globalization;

namespace Gristmill.Engine;

/// <summary>One life of a silo in its cluster: its name, and a generation that no other life of any silo ever has.</summary>
/// <param name="Name">The silo's name; the same after a restart.</param>
/// <param name="Generation">New with each start, and each time the silo was counted out and comes back.</param>
public sealed record SiloAddress(string Name, Guid Generation)
{
    /// <summary>The member id: <c>name@generation</c>, the generation as 32 hexadecimal digits.</summary>
    public string Id { get; } = string.Create(CultureInfo.InvariantCulture, $"{Name}@{Generation:N}");

    /// <summary>Reads a member id.</summary>
    /// <param name="id">As <see cref="Id"/>.</param>
    /// <returns>Null when it is none.</returns>
    public static SiloAddress? TryParse(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        var at = id.LastIndexOf('@');

        // An id has one spelling: two of one member would be two.
        return at > 0 && Guid.TryParseExact(id.AsSpan(at + 1), "N", out var generation) && new SiloAddress(id[..at], generation) is var read && read.Id == id
            ? read
            : null;
    }

    /// <inheritdoc/>
    public override string ToString() => Id;
}

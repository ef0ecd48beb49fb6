namespace Gristmill.Engine;

/// <summary>A grain: its class, by the name it has on the wire, and its key.</summary>
internal readonly record struct GrainId(string Type, string Key)
{
    /// <summary>The longest key, in characters: long enough for a job's id with its queue, short enough for a Redis key.</summary>
    public const int MaxKeyLength = 1024;

    public override string ToString() => $"{Type}/{Key}";
}

/// <summary>One run of a silo: its name, and a generation that no other run of it ever has.</summary>
internal sealed record SiloAddress(string Name, Guid Generation)
{
    public override string ToString() => $"{Name}@{Generation:N}";
}

namespace Gristmill.Engine;

/// <summary>A grain: its class, by the name it has on the wire, and its key.</summary>
internal readonly record struct GrainId(string Type, string Key)
{
    /// <summary>The longest key, in characters: long enough for a job's id with its queue, short enough for a Redis key.</summary>
    public const int MaxKeyLength = 1024;

    public override string ToString() => $"{Type}/{Key}";
}

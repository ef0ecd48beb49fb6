namespace Gristmill.Engine;

/// <summary>Which record of which grain.</summary>
internal readonly record struct StateId(GrainId Grain, string Store, string Name)
{
    public override string ToString() => $"{Store}/{Name} of {Grain}";
}

/// <summary>A record as it is stored: its version and its bytes.</summary>
internal sealed record StoredState(string Etag, ReadOnlyMemory<byte> Data);

/// <summary>Keeps the states of grains, each with a version that every write must know.</summary>
internal interface IGrainStorage
{
    /// <summary>The record; null when there is none.</summary>
    Task<StoredState?> ReadAsync(StateId id, CancellationToken cancellationToken);

    /// <summary>Writes a record over the version that was read, or as the first one.</summary>
    /// <returns>The new version.</returns>
    /// <exception cref="InconsistentStateException">The version in the store is another.</exception>
    Task<string> WriteAsync(StateId id, string? etag, ReadOnlyMemory<byte> data, CancellationToken cancellationToken);

    /// <summary>Removes a record of the version that was read.</summary>
    /// <exception cref="InconsistentStateException">The version in the store is another.</exception>
    Task ClearAsync(StateId id, string? etag, CancellationToken cancellationToken);
}

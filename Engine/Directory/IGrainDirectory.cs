namespace Gristmill.Engine;

/// <summary>Says which member holds which grain. All traffic of the directory goes through here.</summary>
internal interface IGrainDirectory
{
    /// <summary>Makes a member the holder where no other is; see grain_register.lua.</summary>
    /// <returns>For each grain the member that holds it; null when the caller is no member.</returns>
    Task<IReadOnlyList<string>?> RegisterAsync(string member, IReadOnlyList<GrainId> grains, CancellationToken cancellationToken);

    /// <summary>Ends a member's holding; see grain_unregister.lua.</summary>
    Task UnregisterAsync(string member, IReadOnlyList<GrainId> grains, CancellationToken cancellationToken);

    /// <summary>For each grain the living member that holds it, or null; see grain_lookup.lua.</summary>
    Task<IReadOnlyList<string?>> LookupAsync(IReadOnlyList<GrainId> grains, CancellationToken cancellationToken);
}

namespace Gristmill.Engine.Tests.Contract;

/// <summary>Where a test's calls go.</summary>
public enum HostKind
{
    /// <summary>To grains of the same silo, as objects.</summary>
    One,

    /// <summary>To grains of the same silo, in the form that they would have between silos.</summary>
    OneWithWire,

    /// <summary>To another silo: the test's drains, so that every grain is active on the other.</summary>
    Two,
}

/// <summary>What a test wants of the silo it runs on; said without naming an engine.</summary>
public sealed partial record HostSettings
{
    public TimeProvider Time { get; init; } = TimeProvider.System;

    public TimeSpan CollectionAge { get; init; } = TimeSpan.FromMinutes(15);

    public TimeSpan ResponseTimeout { get; init; } = TimeSpan.FromSeconds(30);

    public TimeSpan DeactivationTimeout { get; init; } = TimeSpan.FromSeconds(30);

    public int MaxCallsPerActivation { get; init; } = 10_000;

    public HostKind Kind { get; init; } = HostKind.OneWithWire;

    public string? RedisUrl { get; init; }

    public string ServiceId { get; init; } = $"test-{Guid.NewGuid():N}";

    /// <summary>Hosts with the same service and cluster id are one cluster; by default each is alone.</summary>
    public string ClusterId { get; init; } = $"{Guid.NewGuid():N}";

    public string SiloName { get; init; } = "silo";

    /// <summary>Shared by silos of one test; by default each host has its own.</summary>
    public Probe? Probe { get; init; }

    public Action<IServiceCollection> Services { get; init; } = _ => { };
}

/// <summary>Lets grains say where they are.</summary>
public sealed record HostedSilo(string Name);

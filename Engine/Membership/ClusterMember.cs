namespace Gristmill.Engine;

/// <summary>What a member of the cluster is doing. A member that is dead is in no snapshot.</summary>
public enum SiloStatus
{
    /// <summary>It has come, and registers the activations that it brings along; nothing is placed there yet.</summary>
    Joining,

    /// <summary>It takes new activations.</summary>
    Active,

    /// <summary>It drains: it finishes what it has and takes no new activations.</summary>
    ShuttingDown,
}

/// <summary>A member of the cluster, as its record in Redis says.</summary>
/// <param name="SiloAddress">Its name and generation.</param>
/// <param name="Status">What it is doing.</param>
public sealed record ClusterMember(SiloAddress SiloAddress, SiloStatus Status)
{
    /// <summary>The machine that it runs on.</summary>
    public string Host { get; init; } = "";

    /// <summary>Its process there.</summary>
    public int ProcessId { get; init; }

    /// <summary>When its process started.</summary>
    public DateTimeOffset StartedAt { get; init; }

    /// <summary>The version of the product that it runs.</summary>
    public string Version { get; init; } = "";

    /// <summary>The oldest version of messages between silos that it reads.</summary>
    public int OldestProtocol { get; init; } = 1;

    /// <summary>The newest version of messages between silos that it reads.</summary>
    public int NewestProtocol { get; init; } = 1;

    /// <summary>The grain classes that it hosts, by the names that they have on the wire.</summary>
    public IReadOnlyList<string> GrainClasses { get; init; } = [];

    /// <summary>The silo's name.</summary>
    public string Name => SiloAddress.Name;
}

/// <summary>A member, and how it was when it was looked at.</summary>
/// <param name="Member">The member.</param>
/// <param name="Activations">How many grains are active there.</param>
/// <param name="CallsInFlight">How many calls to other silos it waits for.</param>
/// <param name="EndsIn">When its membership ends, unless it renews it; negative when that is overdue.</param>
public sealed record ClusterMemberState(ClusterMember Member, int Activations, int CallsInFlight, TimeSpan EndsIn);

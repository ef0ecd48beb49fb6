using System.Reflection;

namespace Gristmill.Engine;

/// <summary>How the grain engine of a silo runs. Checked whole at start.</summary>
public sealed class GrainEngineOptions
{
    /// <summary>Whose states these are: what keeps services that share a Redis apart. Letters, digits, '-', '_' and '.'; at most 64.</summary>
    public string ServiceId { get; set; } = "gristmill";

    /// <summary>Silos with the same service id and cluster id are one cluster. Letters, digits, '-', '_' and '.'; at most 64; "default" by default.</summary>
    public string ClusterId { get; set; } = "default";

    /// <summary>The number of the Redis database, from 0: pub/sub knows none, so the engine's channel names it. 0 by default.</summary>
    public int Database { get; set; }

    /// <summary>This silo's name, unique in its cluster and the same after a restart. Letters, digits, '-', '_' and '.'; at most 64.</summary>
    public string SiloName { get; set; } = "silo";

    /// <summary>The grain classes this silo hosts. <see cref="AddGrains"/> adds those of an assembly.</summary>
    public IList<Type> GrainClasses { get; } = [];

    /// <summary>
    /// Which grain classes are bound to the silo that calls them: their grains are not in the directory, so each silo has
    /// its own, and they run also while Redis is away. None by default.
    /// </summary>
    public Func<Type, bool> LocalOnly { get; set; } = static _ => false;

    /// <summary>How often this silo renews its membership. From 100 ms to a third of <see cref="MembershipTtl"/>; one second by default.</summary>
    public TimeSpan MembershipRenew { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>For how long a membership holds that is not renewed. From 300 ms to one hour; 5 seconds by default. All silos should have the same.</summary>
    public TimeSpan MembershipTtl { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long an activation may be unused before it ends. From one second up; 15 minutes by default.</summary>
    public TimeSpan CollectionAge { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>How often unused activations are looked for. From 100 ms to <see cref="CollectionAge"/>; one minute by default.</summary>
    public TimeSpan CollectionQuantum { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How long a caller waits for an answer. From 100 ms to one hour; 30 seconds by default. <see cref="ResponseTimeoutAttribute"/> overrides it.</summary>
    public TimeSpan ResponseTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long reading the states and OnActivateAsync may take. From 100 ms to one hour; 30 seconds by default.</summary>
    public TimeSpan ActivationTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long an ending activation waits for its running calls, and then for OnDeactivateAsync. From 100 ms to one hour; 30 seconds by default.</summary>
    public TimeSpan DeactivationTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a stopping silo waits for its activations to end. From 100 ms to one hour; 30 seconds by default.</summary>
    public TimeSpan ShutdownTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The most calls that wait or run on one activation; more are refused as overloaded. From 1 up; 10,000 by default.</summary>
    public int MaxCallsPerActivation { get; set; } = 10_000;

    /// <summary>The most activations of this silo; calls that would need more are refused as overloaded. From 1 up; 1,000,000 by default.</summary>
    public int MaxActivations { get; set; } = 1_000_000;

    /// <summary>The most calls to one other silo that wait for its answer; more wait in line. From 1 to 100,000; 1,000 by default.</summary>
    public int MaxCallsInFlightPerSilo { get; set; } = 1_000;

    /// <summary>The most bytes of the calls to one other silo that wait for its answer; more wait in line. From 1 KiB to 16 GiB; 64 MiB by default.</summary>
    public long MaxCallBytesInFlightPerSilo { get; set; } = 64L << 20;

    /// <summary>The most calls in line for one other silo; more are refused as overloaded. From 1 up; 10,000 by default.</summary>
    public int MaxCallsWaitingPerSilo { get; set; } = 10_000;

    /// <summary>Of how many grains on other silos this one remembers where they are. From 2 up; 100,000 by default.</summary>
    public int MaxCachedLocations { get; set; } = 100_000;

    /// <summary>The most bytes of a call, a result or a state on the wire. From 1 KiB to 512 MiB; 16 MiB by default.</summary>
    public int MaxMessageBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>
    /// Whether calls within the silo take their wire form too, so that what would fail or differ between silos does so
    /// at once. For tests; false by default.
    /// </summary>
    public bool SerializeLocalCalls { get; set; }

    /// <summary>Adds the grain classes of an assembly: the concrete ones derived from <see cref="Grain"/>.</summary>
    /// <param name="assembly">The assembly.</param>
    public GrainEngineOptions AddGrains(Assembly assembly)
    {
        ArgumentNullException.ThrowIfNull(assembly);
        foreach (var type in assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(Grain)) && !t.IsAbstract))
            GrainClasses.Add(type);
        return this;
    }

    /// <summary>The keys of the cluster in Redis, and of which type each must be: for who looks whether something else wrote them.</summary>
    public IEnumerable<(string Key, string Type)> KeyTypes() => new ClusterKeys(ServiceId, ClusterId, Database).Types;
}

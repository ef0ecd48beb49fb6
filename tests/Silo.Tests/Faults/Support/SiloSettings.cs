using System.Globalization;
using Gristmill.FaultHandlers;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Faults.Support;

/// <summary>How to start a silo of a bench. Times are seconds; leases are short so that takeovers are soon.</summary>
internal sealed record SiloSettings
{
    public string Name { get; init; } = "a";

    public double Lease { get; init; } = 2;

    public double Renew { get; init; } = 0.4;

    public int Concurrency { get; init; } = 16;

    /// <summary>Jobs at once in the cluster; 0 for no limit.</summary>
    public int ClusterConcurrency { get; init; }

    public int LostBudget { get; init; } = 3;

    public double Shutdown { get; init; } = 30;

    /// <summary>Where its HTTP API listens.</summary>
    public string Url { get; init; } = "http://127.0.0.1:0";

    public int KeepFinished { get; init; } = 1_000_000;

    /// <summary>verb:before:count or verb:after:count; null for none.</summary>
    public string? Failpoint { get; init; }

    /// <summary>Further queues, each on a list of its own.</summary>
    public IReadOnlyList<string> OtherQueues { get; init; } = [];

    /// <summary>A list that gets each dead letter too; null for none.</summary>
    public string? DeadLetterList { get; init; }

    /// <summary>Options of the engine, as environment variables.</summary>
    public IReadOnlyDictionary<string, string> Engine { get; init; } = new Dictionary<string, string>();

    /// <summary>Further options, as environment variables.</summary>
    public IReadOnlyDictionary<string, string> More { get; init; } = new Dictionary<string, string>();

    /// <summary>What the silo is or has.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    /// <summary>The labels that a queue asks for, by queue.</summary>
    public IReadOnlyDictionary<string, string> QueueLabels { get; init; } = new Dictionary<string, string>();

    /// <summary>What stands between this silo and the server; null for nothing.</summary>
    public TcpProxy? Proxy { get; init; }

    /// <summary>The address of the server as this silo is told it; null for the server's own.</summary>
    public string? RedisUrl { get; init; }

    /// <summary>Before `gristmill silo`: a command that becomes the one behind it.</summary>
    public IReadOnlyList<string> Prefix { get; init; } = [];

    /// <summary>Behind `gristmill silo`.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>The leases of a silo that is not configured: 5 s, renewed each second.</summary>
    public SiloSettings WithDefaultLeases() => this with { Lease = 5, Renew = 1 };

    /// <summary>All of it as environment variables.</summary>
    public Dictionary<string, string> Environment(FaultBench bench)
    {
        var environment = new Dictionary<string, string>
        {
            ["Gristmill__Redis"] = RedisUrl ?? Proxy?.Url ?? bench.Server.Url,
            ["Gristmill__Service"] = FaultBench.Service,
            ["Gristmill__SiloName"] = Name,
            ["Gristmill__Url"] = Url,
            ["Gristmill__LeaseSeconds"] = Text(Lease),
            ["Gristmill__RenewSeconds"] = Text(Renew),
            ["Gristmill__ShutdownSeconds"] = Text(Shutdown),
            ["Gristmill__HandlerAssemblies__0"] = typeof(LedgerHandler).Assembly.Location,
            ["GRISTMILL_TEST_LEDGER"] = bench.Ledger.Folder,
        };
        for (var n = 0; n < Labels.Count; n++) environment[$"Gristmill__Labels__{n}"] = Labels[n];
        foreach (var queue in OtherQueues.Prepend(FaultBench.Queue)) AddQueue(environment, queue);
        foreach (var (name, value) in Engine.Concat(More)) environment[name] = value;
        if (Failpoint is { } failpoint) environment["GRISTMILL_FAILPOINT"] = failpoint;
        return environment;
    }

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);

    private void AddQueue(Dictionary<string, string> environment, string queue)
    {
        var under = $"Gristmill__Queues__{queue}__";
        environment[under + "List"] = FaultBench.ListOf(queue);
        environment[under + "Handler"] = "ledger";
        environment[under + "Concurrency"] = Text(Concurrency);
        environment[under + "ClusterConcurrency"] = Text(ClusterConcurrency);
        environment[under + "LostBudget"] = Text(LostBudget);
        environment[under + "KeepFinished"] = Text(KeepFinished);
        environment[under + "Retry__BaseSeconds"] = "0.05";
        if (DeadLetterList is { } letters) environment[under + "DeadLetterList"] = letters;
        if (QueueLabels.GetValueOrDefault(queue) is { } label) environment[under + "Labels__0"] = label;
    }
}

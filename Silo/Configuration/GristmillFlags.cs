namespace Gristmill.Silo.Configuration;

/// <summary>What the command line of a silo can set; null where a flag was not given.</summary>
internal sealed record GristmillFlags
{
    /// <summary>--redis: a redis:// URL.</summary>
    public string? Redis { get; init; }

    /// <summary>--service.</summary>
    public string? Service { get; init; }

    /// <summary>--url: where the HTTP API listens.</summary>
    public string? Url { get; init; }

    /// <summary>--insecure: the HTTP API may be open on an address that others reach.</summary>
    public bool Insecure { get; init; }

    /// <summary>--folder: the embedded store's.</summary>
    public string? Folder { get; init; }

    /// <summary>--queue: the queue that the flags below are about. Default: the list's name, or the only queue there is.</summary>
    public string? Queue { get; init; }

    /// <summary>--list: the list of the queue. Default for a new queue: its name.</summary>
    public string? List { get; init; }

    /// <summary>--handler: the C# handler of the queue.</summary>
    public string? Handler { get; init; }

    /// <summary>--worker: the command line of the queue's worker, program and arguments.</summary>
    public IReadOnlyList<string>? Worker { get; init; }

    /// <summary>--workers: how many worker processes.</summary>
    public int? Workers { get; init; }

    /// <summary>--concurrency of the queue.</summary>
    public int? Concurrency { get; init; }

    /// <summary>--timeout of the queue's attempts, seconds.</summary>
    public double? TimeoutSeconds { get; init; }

    /// <summary>--handlers: assemblies with handlers.</summary>
    public IReadOnlyList<string> HandlerAssemblies { get; init; } = [];

    /// <summary>--label: what this silo is or has.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    /// <summary>--log-level, by a name of LOG_LEVEL.</summary>
    public string? LogLevel { get; init; }

    internal bool HasQueue => Queue is not null || List is not null || Handler is not null || Worker is not null || Workers is not null ||
        Concurrency is not null || TimeoutSeconds is not null;
}

namespace Gristmill.Grains.Workers;

/// <summary>How the worker processes of a queue are started and watched. See docs/worker-protocol.md.</summary>
public sealed class WorkerOptions
{
    /// <summary>The program and its arguments; no shell takes part. Required.</summary>
    public string[] Command { get; set; } = [];

    /// <summary>The folder the workers start in. Default: the silo's own.</summary>
    public string? WorkingDirectory { get; set; }

    /// <summary>Variables added to the silo's environment; null removes one. Default: none.</summary>
    public IDictionary<string, string?> Environment { get; } = new Dictionary<string, string?>(StringComparer.Ordinal);

    /// <summary>
    /// Whether the workers also get the variables that configure the silo, REDIS_URL and Gristmill__…, with the passwords in
    /// them. Default false: a worker gets its jobs from the silo, and what it prints of its environment must not tell them.
    /// </summary>
    public bool PassSiloEnvironment { get; set; }

    /// <summary>How many processes, each running one job at a time. Default 1; from 1 to 256.</summary>
    public int Count { get; set; } = 1;

    /// <summary>How long from start to <c>ready</c>, loading the model included. Default 60 s; from 100 ms to 1 h.</summary>
    public TimeSpan StartupTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How often a worker is asked to show that it lives. Default 5 s; from 50 ms to 10 min.</summary>
    public TimeSpan HeartbeatInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// A worker that promised heartbeats and is silent for so long is replaced. Default 60 s; at least twice
    /// <see cref="HeartbeatInterval"/>, at most 1 h.
    /// </summary>
    public TimeSpan HeartbeatTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>From the <c>cancel</c> or <c>stop</c> message to SIGTERM. Default 5 s; from 0 to 1 h.</summary>
    public TimeSpan CancelGrace { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>From SIGTERM to SIGKILL. Default 5 s; from 0 to 10 min.</summary>
    public TimeSpan TermGrace { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>A worker is replaced after so many jobs. Default 0: never.</summary>
    public int MaxJobs { get; set; }

    /// <summary>
    /// The largest resident memory of a worker's process, in bytes. Past it while running a job the worker is killed
    /// and the job has run out of memory; past it between jobs the worker is replaced. Default 0: none; at least 1 MiB.
    /// </summary>
    public long MemoryLimitBytes { get; set; }

    /// <summary>The longest line either way, in bytes. Default 4 MiB; from 4 KiB to 64 MiB.</summary>
    public int MaxLineBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>The wait before the first restart after a failure; doubles with each. Default 0.5 s; from 10 ms.</summary>
    public TimeSpan RestartBackoff { get; set; } = TimeSpan.FromSeconds(0.5);

    /// <summary>The longest wait before a restart. Default 30 s; at least <see cref="RestartBackoff"/>, at most 1 h.</summary>
    public TimeSpan MaxRestartBackoff { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How many last lines of stderr are kept to explain a lost worker. Default 50; from 0 to 1,000.</summary>
    public int StderrTailLines { get; set; } = 50;
}

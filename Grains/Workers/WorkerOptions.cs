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

    /// <summary>
    /// How many jobs a worker gets at once, of those that say that they take batches. Default 1: no batches; from 1 to 1,000.
    /// </summary>
    public int BatchSize { get; set; } = 1;

    /// <summary>How long the first job of a batch waits for others while a worker is idle, in seconds. Default 0.01; from 0 to 60.</summary>
    public double BatchWaitSeconds { get; set; } = 0.01;

    /// <summary>How long from start to <c>ready</c>, loading the model included, in seconds. Default 60; from 0.1 to 3,600.</summary>
    public double StartupTimeoutSeconds { get; set; } = 60;

    /// <summary>How often a worker is asked to show that it lives, in seconds. Default 5; from 0.05 to 600.</summary>
    public double HeartbeatIntervalSeconds { get; set; } = 5;

    /// <summary>
    /// A worker that promised heartbeats and is silent for so many seconds is replaced. Default 60; at least twice
    /// <see cref="HeartbeatIntervalSeconds"/>, at most 3,600.
    /// </summary>
    public double HeartbeatTimeoutSeconds { get; set; } = 60;

    /// <summary>
    /// A worker that has a job and reports neither progress nor an outcome for so many seconds is replaced, though its
    /// heartbeats go on. Default 0: only the job's time limit counts; from 0.1 to 86,400.
    /// </summary>
    public double StallSeconds { get; set; }

    /// <summary>Seconds from the <c>cancel</c> or <c>stop</c> message to SIGTERM. Default 5; from 0 to 3,600.</summary>
    public double CancelGraceSeconds { get; set; } = 5;

    /// <summary>Seconds from SIGTERM to SIGKILL. Default 5; from 0 to 600.</summary>
    public double TermGraceSeconds { get; set; } = 5;

    /// <summary>A worker is replaced after so many jobs. Default 0: never.</summary>
    public int MaxJobs { get; set; }

    /// <summary>
    /// The largest resident memory of a worker's process, in bytes. Past it while running a job the worker is killed
    /// and the job has run out of memory; past it between jobs the worker is replaced. Default 0: none; at least 1 MiB.
    /// </summary>
    public long MemoryLimitBytes { get; set; }

    /// <summary>
    /// The most of its device's memory that a worker may be seen to use, by nvidia-smi or as it says itself, in MiB. One that has
    /// used more is replaced once it has no job. Default 0: none; from 1 to 16,777,216. Means nothing without a device.
    /// </summary>
    public int GpuMemoryLimitMiB { get; set; }

    /// <summary>The longest line either way, in bytes. Default 4 MiB; from 4 KiB to 64 MiB.</summary>
    public int MaxLineBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>Seconds before the first restart after a failure; doubles with each. Default 0.5; from 0.01 to 3,600.</summary>
    public double RestartBackoffSeconds { get; set; } = 0.5;

    /// <summary>The longest wait before a restart, in seconds. Default 30; at least <see cref="RestartBackoffSeconds"/>, at most 3,600.</summary>
    public double MaxRestartBackoffSeconds { get; set; } = 30;

    /// <summary>How many last lines of stderr are kept to explain a lost worker. Default 50; from 0 to 1,000.</summary>
    public int StderrTailLines { get; set; } = 50;

    internal TimeSpan StartupTimeout => TimeSpan.FromSeconds(StartupTimeoutSeconds);

    internal TimeSpan HeartbeatInterval => TimeSpan.FromSeconds(HeartbeatIntervalSeconds);

    internal TimeSpan HeartbeatTimeout => TimeSpan.FromSeconds(HeartbeatTimeoutSeconds);

    internal TimeSpan BatchWait => TimeSpan.FromSeconds(BatchWaitSeconds);

    internal TimeSpan Stall => TimeSpan.FromSeconds(StallSeconds);

    internal TimeSpan CancelGrace => TimeSpan.FromSeconds(CancelGraceSeconds);

    internal TimeSpan TermGrace => TimeSpan.FromSeconds(TermGraceSeconds);

    internal TimeSpan RestartBackoff => TimeSpan.FromSeconds(RestartBackoffSeconds);

    internal TimeSpan MaxRestartBackoff => TimeSpan.FromSeconds(MaxRestartBackoffSeconds);
}

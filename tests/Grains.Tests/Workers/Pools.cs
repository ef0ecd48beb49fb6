using Gristmill.Grains.Handlers;
using Gristmill.Grains.Tests.Handlers;
using Gristmill.Grains.Workers;
using Gristmill.Testing;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Tests.Workers;

/// <summary>Pools of real Python processes with short patience.</summary>
internal static class Pools
{
    public const int MaxResultBytes = 100_000;

    public static string Torture { get; } = Repository.Path("tests/Grains.Tests/Workers/torture_worker.py");

    public static WorkerOptions Options(params string[] arguments)
    {
        Tools.Require(Tools.Python);
        return Patient([Tools.Python.Program, "-S", "-E", Torture, .. arguments]);
    }

    /// <summary>Options with short patience for any program.</summary>
    public static WorkerOptions Patient(string[] command) => new()
    {
        Command = command,
        StartupTimeoutSeconds = 20,
        HeartbeatIntervalSeconds = 0.1,
        HeartbeatTimeoutSeconds = 20,
        CancelGraceSeconds = 0.2,
        TermGraceSeconds = 0.2,
        RestartBackoffSeconds = 0.05,
        MaxRestartBackoffSeconds = 0.2,
        MaxLineBytes = 256 * 1024,
    };

    public static WorkerPool Create(WorkerOptions options, ScopeLog? logs = null) =>
        new("asr", options, MaxResultBytes, new LoggerFactory([logs ?? new ScopeLog()]), TimeProvider.System, new Random(7));

    public static async Task<WorkerPool> StartAsync(WorkerOptions options, ScopeLog? logs = null)
    {
        var pool = Create(options, logs);
        await pool.StartAsync(TestContext.Current.CancellationToken);
        return pool;
    }

    public static Task<WorkerPool> StartAsync(params string[] arguments) => StartAsync(Options(arguments));

    public static Task<AttemptResult> DoAsync(this IJobRunner pool, string what, string more = "") =>
        pool.RunAsync($$"""{"do":"{{what}}"{{more}}}""", TestContext.Current.CancellationToken);
}

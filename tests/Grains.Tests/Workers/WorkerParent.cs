using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Gristmill.Grains.Workers;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gristmill.Grains.Tests.Workers;

/// <summary>
/// A process with a pool, made to be killed: the test program started once more with a role in its environment. It
/// prints <c>worker PID</c> once and <c>guard PID</c> whenever there is a new one.
/// </summary>
internal static class WorkerParent
{
    private const string Role = "GRISTMILL_TEST_ROLE";

    public static Process Start()
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "Gristmill.Grains.Tests"))
        {
            RedirectStandardOutput = true,
            Environment = { [Role] = nameof(WorkerParent) },
        };
        return Process.Start(start)!;
    }

    public static async Task<int> ReadAsync(Process parent, string what)
    {
        var line = await parent.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);
        Assert.StartsWith($"{what} ", line, StringComparison.Ordinal);
        return int.Parse(line!.AsSpan(what.Length + 1), CultureInfo.InvariantCulture);
    }

    /// <summary>Living processes of a group.</summary>
    public static IReadOnlyList<int> Members(int groupId) =>
    [
        .. Directory.EnumerateDirectories("/proc")
            .Select(folder => int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var id) ? id : 0)
            .Where(id => id > 0 && GroupOf(id) == groupId && !Wait.IsDead(id)),
    ];

    // Main belongs to the test framework. While a module's initializer runs, its other methods wait on other threads:
    // hence no await and no logger of this assembly here.
    [ModuleInitializer]
    internal static void Run()
    {
        if (Environment.GetEnvironmentVariable(Role) != nameof(WorkerParent))
        {
            return;
        }

        var options = Pools.Options("deaf-ignore-term-fork");
        options.Environment[Role] = null;
        var pool = new WorkerPool("asr", options, Pools.MaxResultBytes, NullLoggerFactory.Instance, TimeProvider.System, new Random(7));
        pool.StartAsync(CancellationToken.None).GetAwaiter().GetResult();
        Console.WriteLine($"worker {pool.ProcessIds[0]}");
        using var never = new ManualResetEventSlim();
        for (var guard = 0; ; never.Wait(10))
        {
            if (pool.Guard.ProcessId != guard)
            {
                guard = pool.Guard.ProcessId;
                Console.WriteLine($"guard {guard}");
            }
        }
    }

    private static int GroupOf(int processId)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{processId}/stat");
            return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[2], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0;
        }
    }
}

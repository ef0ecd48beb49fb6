using Gristmill.Grains.Options;
using Gristmill.Grains.Silo;
using Gristmill.Grains.Tests.Handlers;
using Gristmill.Grains.Tests.Workers;
using Gristmill.Grains.Workers;
using Gristmill.Store;
using Gristmill.Testing;

namespace Gristmill.Grains.Tests.Silo;

public sealed class QueueRuntimeTests
{
    private static readonly TimeSpan GiveUp = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Pool_whose_first_start_failed_is_started_again_until_it_serves()
    {
        using var folder = new TempFolder();
        var script = folder.File("worker.sh");
        var pools = new List<WorkerPool>();
        WorkerPool Create()
        {
            pools.Add(Pools.Create(Pools.Patient(["sh", script])));
            return pools[^1];
        }

        await using var queue = new QueueRuntime("asr", new QueueOptions(), new QueueStore(null!, new RedisKeys("default", 0, "asr")), Create, TimeProvider.System);
        var failures = new List<string>();
        var failed = new TaskCompletionSource();
        var starting = queue.StartAsync(
            error =>
            {
                failures.Add(error);
                failed.TrySetResult();
            },
            TestContext.Current.CancellationToken);
        await failed.Task.WaitAsync(GiveUp, TestContext.Current.CancellationToken);
        Assert.NotNull(queue.Broken);
        Assert.Equal(0, queue.Capacity);

        // Whole at once: a script that is read while it is written would be half of it.
        await File.WriteAllTextAsync(script + ".new", ShellWorker.Program, TestContext.Current.CancellationToken);
        File.Move(script + ".new", script);
        await starting.WaitAsync(GiveUp, TestContext.Current.CancellationToken);
        Assert.Null(queue.Broken);
        Assert.Equal(1, queue.Capacity);
        Assert.All(failures, f => Assert.Contains("exit status", f, StringComparison.Ordinal));
        Assert.Equal(failures.Count + 1, pools.Count);
        Assert.Same(pools[^1], queue.Runner);
        Assert.Equal("", Attempts.ResultOf(await queue.Runner.RunAsync("{}", TestContext.Current.CancellationToken)));
    }

    [Fact]
    public async Task Start_that_fails_again_and_again_ends_with_the_silo()
    {
        using var stop = new CancellationTokenSource();
        await using var queue = new QueueRuntime(
            "asr", new QueueOptions(), new QueueStore(null!, new RedisKeys("default", 0, "asr")), () => Pools.Create(Pools.Patient(["no-such-program"])), TimeProvider.System);
        var failed = new TaskCompletionSource();
        var starting = queue.StartAsync(_ => failed.TrySetResult(), stop.Token);
        await failed.Task.WaitAsync(GiveUp, TestContext.Current.CancellationToken);
        await stop.CancelAsync();
        await starting.WaitAsync(GiveUp, TestContext.Current.CancellationToken);
        Assert.NotNull(queue.Broken);
    }
}

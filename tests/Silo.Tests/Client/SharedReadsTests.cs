using Gristmill.Client;
using Gristmill.Store;
using Gristmill.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gristmill.Silo.Tests.Client;

/// <summary>What watchers read, and what they keep of it.</summary>
public sealed class SharedReadsTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private static readonly byte[] Payload = new byte[64];

    private readonly List<TaskCompletionSource<Job?>> _begun = [];

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static Job Queued => new() { Id = "j", Queue = "asr", State = JobState.Queued, Seq = 1, Payload = Payload };

    [Fact]
    public async Task Read_asked_for_while_one_is_under_way_is_one_more_that_all_share()
    {
        using var room = new SemaphoreSlim(4);
        var reads = new SharedReads(room, Read);
        var first = reads.ReadAsync("j", true, Stop);
        var others = Enumerable.Range(0, 100).Select(_ => reads.ReadAsync("j", true, Stop)).ToArray();
        Assert.Single(_begun);
        _begun[0].SetResult(Queued);
        var before = await first.WaitAsync(Limit, Stop);
        await Eventually.EqualAsync(2, () => Task.FromResult(_begun.Count), cancellationToken: Stop);
        Assert.All(others, o => Assert.False(o.IsCompleted));
        _begun[1].SetResult(Queued with { Attempt = 1 });
        var jobs = await Task.WhenAll(others).WaitAsync(Limit, Stop);

        Assert.NotSame(before, jobs[0]);
        Assert.All(jobs, j => Assert.Same(jobs[0], j));
        await Eventually.EqualAsync(4, () => Task.FromResult(room.CurrentCount), cancellationToken: Stop);
        Assert.Equal(2, _begun.Count);
    }

    [Fact]
    public async Task Read_that_fails_or_is_left_by_its_asker_is_followed_by_others()
    {
        using var room = new SemaphoreSlim(1);
        using var leave = new CancellationTokenSource();
        var reads = new SharedReads(room, Read);
        var first = reads.ReadAsync("j", true, Stop);
        var left = reads.ReadAsync("j", true, leave.Token);
        _begun[0].SetException(new InvalidOperationException("not now"));
        Assert.Equal("not now", (await Assert.ThrowsAsync<InvalidOperationException>(() => first.WaitAsync(Limit, Stop))).Message);
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        await Eventually.EqualAsync(2, () => Task.FromResult(_begun.Count), cancellationToken: Stop);
        _begun[1].SetException(new InvalidOperationException("nobody hears it"));
        var third = reads.ReadAsync("j", true, Stop);
        await Eventually.EqualAsync(3, () => Task.FromResult(_begun.Count), cancellationToken: Stop);
        _begun[2].SetResult(Queued);

        Assert.Equal(Payload, (await third.WaitAsync(Limit, Stop))!.Payload.ToArray());
    }

    [Theory, InlineData(WatchWants.Everything, true, true), InlineData(WatchWants.States, false, false), InlineData(WatchWants.Outcome, false, true)]
    internal async Task Watcher_keeps_the_payload_only_where_it_is_wanted(WatchWants wants, bool keepsWaiting, bool hasAtEnd)
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, StoreKind.Redis);
        var context = new ClientContext(fixture.Redis, new GristmillClientOptions(), TimeProvider.System, NullLogger.Instance);
        await using var events = new QueueEvents(context, "gristmill:events");
        var job = Queued;
        await using var watch = new JobWatch(context, events, "asr", "j", wants, new SharedReads(context.Reads, (_, _) => Task.FromResult<Job?>(job)));
        await using var happened = watch.ReadAsync(Stop).GetAsyncEnumerator(Stop);
        Assert.True(await happened.MoveNextAsync());
        Assert.Equal(keepsWaiting ? Payload : [], happened.Current.Job.Payload.ToArray());
        job = Queued with { State = JobState.Completed };
        Assert.True(await happened.MoveNextAsync().AsTask().WaitAsync(Limit, Stop));
        Assert.Equal((JobState.Completed, hasAtEnd ? Payload.Length : 0), (happened.Current.State, happened.Current.Job.Payload.Length));
    }

    private Task<Job?> Read(string id, CancellationToken cancellationToken)
    {
        var read = new TaskCompletionSource<Job?>(TaskCreationOptions.RunContinuationsAsynchronously);
        _begun.Add(read);
        return read.Task;
    }
}

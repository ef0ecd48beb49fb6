using Gristmill.Client;
using Gristmill.Redis;
using Gristmill.Store;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Client;

/// <summary>Watching and waiting; the test plays the silo.</summary>
public sealed class WatchTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Watch_job_tells_states_and_progress_and_ends_with_the_outcome(StoreKind kind)
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, kind);
        var silo = await fixture.SiloAsync();
        var handle = await fixture.Queue.EnqueueAsync(new Clip("s1", 1), cancellationToken: Stop);
        await using var events = handle.WatchAsync(Stop).GetAsyncEnumerator(Stop);

        Assert.Equal(JobState.Queued, (await NextAsync(events)).State);
        var next = NextAsync(events);
        var seq = await silo.StartOneAsync();
        Assert.Equal(JobState.Running, (await next).State);
        await silo.ProgressAsync(seq, 3, 10, "third");
        var progress = await NextAsync(events);
        Assert.Equal((JobEventKind.Progress, 30.0, "third"), (progress.Kind, progress.Progress?.Percent, progress.Progress?.Message));
        await silo.CompleteAsync(seq, """{"text":"hello","count":1}""");
        var last = await NextAsync(events);
        Assert.Equal((JobEventKind.State, JobState.Completed), (last.Kind, last.State));
        Assert.Equal(new Words("hello", 1), last.Job.GetResult<Words>());
        Assert.False(await events.MoveNextAsync().AsTask().WaitAsync(Limit, Stop));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Wait_outcomes_of_all_kinds_are_returned(StoreKind kind)
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, kind);
        var silo = await fixture.SiloAsync();
        var handles = await fixture.Queue.EnqueueManyAsync([.. Enumerable.Range(1, 3).Select(_ => new EnqueueRequest("{}"u8.ToArray()))], Stop);
        var waits = handles.Select(h => h.WaitAsync(Stop)).ToArray();
        var seqs = await silo.StartAsync();
        await silo.CompleteAsync(seqs[0], "[1]");
        await silo.BuryAsync(seqs[1], "fatal", "broken clip");
        await silo.CancelAsync(seqs[2]);
        var jobs = await Task.WhenAll(waits).WaitAsync(Limit, Stop);

        Assert.Equal([JobState.Completed, JobState.Dead, JobState.Cancelled], jobs.Select(j => j.State));
        Assert.Equal([1], jobs[0].GetResult<int[]>()!);
        var refused = Assert.Throws<JobNotCompletedException>(() => jobs[1].GetResult<int[]>());
        Assert.Contains("is dead, because of fatal. The last error: broken clip", refused.Message, StringComparison.Ordinal);
        Assert.Equal("hand", jobs[0].Silo);
    }

    [Fact]
    public async Task Wait_many_of_one_queue_share_one_subscription()
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, StoreKind.Redis);
        var silo = await fixture.SiloAsync();
        var handles = await fixture.Queue.EnqueueManyAsync([.. Enumerable.Range(1, 1000).Select(_ => new EnqueueRequest("{}"u8.ToArray()))], Stop);
        var waits = handles.Select(h => h.WaitAsync(Stop)).ToArray();
        await Eventually.EqualAsync(1L, () => SubscribersAsync(fixture, silo), cancellationToken: Stop);
        foreach (var seq in await silo.StartAsync(1000)) await silo.CompleteAsync(seq);

        Assert.All(await Task.WhenAll(waits).WaitAsync(Limit, Stop), j => Assert.Equal(JobState.Completed, j.State));
        await Eventually.EqualAsync(0L, () => SubscribersAsync(fixture, silo), cancellationToken: Stop);
    }

    [Fact]
    public async Task Wait_finished_job_returns_at_once()
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, StoreKind.Redis);
        var silo = await fixture.SiloAsync();
        var handle = await fixture.Queue.EnqueueAsync(new Clip("s1", 1), cancellationToken: Stop);
        await silo.CompleteAsync(await silo.StartOneAsync());
        Assert.Equal(JobState.Completed, (await handle.WaitAsync(Stop).WaitAsync(Limit, Stop)).State);
    }

    [Fact]
    public async Task Wait_unknown_job_is_an_error()
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, StoreKind.Redis);
        var unknown = await Assert.ThrowsAsync<JobNotFoundException>(() => fixture.Queue.WaitAsync("nobody", Stop));
        Assert.Equal(("asr", "nobody"), (unknown.Queue, unknown.Id));
    }

    [Fact]
    public async Task Wait_outcome_while_the_connection_was_cut_is_found_after_it()
    {
        var server = await stores.GetAsync(StoreKind.Redis);
        await using var proxy = TcpProxy.Start(server.Port);
        await using var fixture = ClientFixture.Create(server.Url, clientUrl: proxy.Url);
        var silo = await fixture.SiloAsync();
        var handle = await fixture.Queue.EnqueueAsync(new Clip("s1", 1), cancellationToken: Stop);
        var wait = handle.WaitAsync(Stop);
        await Eventually.EqualAsync(1L, () => SubscribersAsync(fixture, silo), cancellationToken: Stop);
        await proxy.RefuseNewAsync();
        proxy.Cut();
        await Eventually.EqualAsync(0L, () => SubscribersAsync(fixture, silo), cancellationToken: Stop);
        await silo.CompleteAsync(await silo.StartOneAsync());
        proxy.AcceptNew();

        Assert.Equal(JobState.Completed, (await wait.WaitAsync(Limit, Stop)).State);
    }

    [Fact]
    public async Task Wait_outcome_that_no_event_told_is_found_by_the_poll()
    {
        var server = await stores.GetAsync(StoreKind.Redis);
        await using var fixture = ClientFixture.Create(server.Url, o => o.PollInterval = TimeSpan.FromMilliseconds(200));
        var silo = await fixture.SiloAsync();
        var parent = await fixture.Queue.EnqueueAsync(new Clip("s1", 1), cancellationToken: Stop);
        var child = await fixture.Queue.EnqueueAsync(new Clip("s1", 2), cancellationToken: Stop);
        var wait = child.WaitAsync(Stop);
        await Eventually.EqualAsync(1L, () => SubscribersAsync(fixture, silo), cancellationToken: Stop);

        // As a script without its event would leave it: the record alone.
        var view = await silo.Store.GetAsync(child.Id, Stop);
        view!.Header.Outcome = JobState.Dead;
        byte[] record = [.. view.Header.ToBytes(), (byte)'\n', .. view.Payload.Span];
        await fixture.Redis.ExecuteAsync(new RedisCommand("HSET", silo.Store.Keys.JobsOf(view.Seq)).Add(view.Seq).Add(record), Stop);

        Assert.Equal(JobState.Dead, (await wait.WaitAsync(Limit, Stop)).State);
        Assert.Equal(JobState.Queued, (await parent.GetAsync(Stop))?.State);
    }

    [Fact]
    public async Task Watch_retried_job_tells_the_attempts()
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, StoreKind.Redis);
        var silo = await fixture.SiloAsync();
        var handle = await fixture.Queue.EnqueueAsync(new Clip("s1", 1), cancellationToken: Stop);
        await using var events = handle.WatchAsync(Stop).GetAsyncEnumerator(Stop);
        Assert.Equal(JobState.Queued, (await NextAsync(events)).State);
        var next = NextAsync(events);
        var seq = await silo.StartOneAsync();
        Assert.Equal(1, (await next).Job.Attempt);
        next = NextAsync(events);
        await silo.RetryLaterAsync(seq, TimeSpan.FromHours(1));
        var retrying = await next;

        Assert.Equal(JobState.Retrying, retrying.State);
        Assert.Equal("time", retrying.Job.WaitingFor?.For);
    }

    [Fact]
    public async Task Watch_more_jobs_than_the_bound_is_refused_and_leaving_makes_room()
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, StoreKind.Redis, o => o.MaxWatchers = 1);
        var handle = await fixture.Queue.EnqueueAsync(new Clip("s1", 1), cancellationToken: Stop);
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        var wait = handle.WaitAsync(leave.Token);
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => handle.WaitAsync(Stop).WaitAsync(Limit, Stop));
        Assert.Contains("MaxWatchers", refused.Message, StringComparison.Ordinal);
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait);
        await using var events = handle.WatchAsync(Stop).GetAsyncEnumerator(Stop);
        Assert.Equal(JobState.Queued, (await NextAsync(events)).State);
    }

    [Fact]
    public async Task Dispose_ends_those_who_wait()
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, StoreKind.Redis);
        var silo = await fixture.SiloAsync();
        var handle = await fixture.Queue.EnqueueAsync(new Clip("s1", 1), cancellationToken: Stop);
        var wait = handle.WaitAsync(Stop);
        await Eventually.EqualAsync(1L, () => SubscribersAsync(fixture, silo), cancellationToken: Stop);
        await fixture.Client.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => wait.WaitAsync(Limit, Stop));
    }

    private static async Task<long> SubscribersAsync(ClientFixture fixture, HandSilo silo) =>
        (await fixture.Redis.ExecuteAsync(new RedisCommand("PUBSUB", "NUMSUB", silo.Store.Keys.Events), Stop))[1].AsInteger();

    private static async Task<JobEvent> NextAsync(IAsyncEnumerator<JobEvent> events)
    {
        Assert.True(await events.MoveNextAsync().AsTask().WaitAsync(Limit, Stop), "The watch ended before the next event.");
        return events.Current;
    }
}

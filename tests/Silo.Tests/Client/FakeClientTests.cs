using Gristmill.Client;
using Gristmill.Client.Testing;
using Gristmill.Redis;
using Gristmill.Store;
using Microsoft.Extensions.Time.Testing;

namespace Gristmill.Silo.Tests.Client;

/// <summary>The client for tests of services does what the real one does.</summary>
public sealed class FakeClientTests
{
    private readonly FakeGristmillClient _client = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private IQueueClient Queue => ((IGristmillClient)_client).Queue("asr");

    [Fact]
    public async Task Enqueued_job_is_there_with_what_it_asks_for_and_an_id()
    {
        var handle = await Queue.EnqueueAsync(new Clip("s1", 7), new EnqueueOptions { SessionId = "s1", Sequence = 3, Priority = 2, Timeout = TimeSpan.FromSeconds(9) }, Stop);
        var job = _client.Queue("asr").Single();

        Assert.True(handle.Created);
        Assert.Equal(32, job.Id.Length);
        Assert.Equal(new Clip("s1", 7), job.ReadPayload<Clip>());
        Assert.Equal(("s1", 3, 2, TimeSpan.FromSeconds(9)), (job.Session.Id, job.Session.Sequence, job.Job.Priority, job.Timeout));
        Assert.Equal(["asr"], await _client.ListQueuesAsync(Stop));
    }

    [Fact]
    public async Task Same_id_is_the_existing_job_or_a_conflict()
    {
        var id = new EnqueueOptions { Id = "a" };
        await Queue.EnqueueAsync(new Clip("s1", 7), id, Stop);
        Assert.Equal(EnqueueOutcome.Existing, (await Queue.EnqueueAsync(new Clip("s1", 7), id, Stop)).Outcome);
        await Assert.ThrowsAsync<JobConflictException>(() => Queue.EnqueueAsync(new Clip("s1", 8), id, Stop));
        Assert.Single(_client.Queue("asr").Jobs);
    }

    [Fact]
    public async Task Silo_that_the_test_plays_answers_at_once()
    {
        _client.Queue("asr").OnEnqueued = job => job.Complete(new Words("hello", 1));
        var handle = await Queue.EnqueueAsync(new Clip("s1", 7), cancellationToken: Stop);
        Assert.Equal(new Words("hello", 1), await handle.WaitResultAsync<Words>(Stop));
    }

    [Fact]
    public async Task Watch_tells_each_step_that_the_test_makes()
    {
        var handle = await Queue.EnqueueAsync(new Clip("s1", 7), cancellationToken: Stop);
        var job = _client.Queue("asr").Single();
        await using var events = handle.WatchAsync(Stop).GetAsyncEnumerator(Stop);
        Assert.True(await events.MoveNextAsync());
        job.Progress(1, 4, "first");
        job.RetryLater("not yet");
        job.Start();
        job.Complete();
        var told = new List<string> { Told(events.Current) };
        while (await events.MoveNextAsync()) told.Add(Told(events.Current));

        Assert.Equal(["State Queued 0", "State Running 1", "Progress Running 1 25", "State Retrying 1 25", "State Running 2 25", "State Completed 2 25"], told);
        Assert.Equal("not yet", Assert.Single((await handle.GetAsync(Stop))!.Errors).Message);
    }

    [Fact]
    public async Task Cancel_has_the_outcome_of_each_state()
    {
        var handle = await Queue.EnqueueAsync(new Clip("s1", 7), cancellationToken: Stop);
        var job = _client.Queue("asr").Single();
        job.Start();
        Assert.Equal(CancelOutcome.Requested, await handle.CancelAsync("enough", Stop));
        Assert.True(job.Job.CancelRequested);
        job.EndCancelled("enough");
        Assert.Equal(CancelOutcome.Ended, await handle.CancelAsync(null, Stop));
        Assert.Throws<InvalidOperationException>(() => job.Complete());
        Assert.Equal(CancelOutcome.Remembered, await Queue.CancelAsync("to-come", null, Stop));
        Assert.Equal(EnqueueOutcome.Cancelled, (await Queue.EnqueueAsync(new Clip("s1", 8), new EnqueueOptions { Id = "to-come" }, Stop)).Outcome);
    }

    [Fact]
    public async Task Dead_letter_is_listed_requeued_and_purged()
    {
        _client.Queue("asr").OnEnqueued = job => job.Die("fatal", "broken clip");
        var handle = await Queue.EnqueueAsync(new Clip("s1", 7), cancellationToken: Stop);
        var letter = Assert.Single((await Queue.DeadLetters.ListAsync(cancellationToken: Stop)).DeadLetters);

        Assert.Equal(("fatal", "broken clip"), (letter.Reason, letter.Errors[0].Message));
        var none = await Assert.ThrowsAsync<JobNotCompletedException>(() => handle.WaitResultAsync<Words>(Stop));
        Assert.Contains("because of fatal", none.Message, StringComparison.Ordinal);
        Assert.Equal(RequeueOutcome.Requeued, await Queue.DeadLetters.RequeueAsync(handle.Id, """{"chunk":8}"""u8.ToArray(), Stop));
        Assert.Equal(8, _client.Queue("asr").Single().ReadPayload<Clip>()!.Chunk);
        _client.Queue("asr").Single().Die();
        Assert.Equal(1, await Queue.DeadLetters.PurgeAllAsync(null, Stop));
        Assert.Empty(_client.Queue("asr").Jobs);
    }

    [Fact]
    public async Task Jobs_wait_for_their_time_and_for_others()
    {
        var clock = new FakeTimeProvider();
        var client = new FakeGristmillClient(clock: clock);
        var queue = client.Queue("asr");
        var later = await queue.EnqueueAsync(new Clip("s1", 1), new EnqueueOptions { RunAt = clock.GetUtcNow().AddHours(1) }, Stop);
        var child = await queue.EnqueueAsync(new Clip("s1", 2), new EnqueueOptions { DependsOn = [later.Id] }, Stop);

        Assert.Equal([JobState.Scheduled, JobState.Deferred], queue.Jobs.Select(j => j.Job.State));
        queue.Jobs[0].Complete();
        Assert.Equal(JobState.Queued, (await child.GetAsync(Stop))?.State);
        var orphan = await queue.EnqueueAsync(new Clip("s1", 3), new EnqueueOptions { DependsOn = [child.Id] }, Stop);
        queue.Jobs[1].Die();
        Assert.Equal("dependency_failed", (await orphan.GetAsync(Stop))?.Reason);
    }

    [Fact]
    public async Task Sessions_count_their_jobs()
    {
        await Queue.EnqueueManyAsync([.. Enumerable.Range(0, 3).Select(n => EnqueueRequest.Of(new Clip("s1", n), new EnqueueOptions { SessionId = "s1", Sequence = 2 - n, SessionTotal = 3 }))], Stop);
        _client.Queue("asr").Jobs[0].Complete(new Words("last", 1));
        var session = await Queue.Sessions.GetAsync("s1", Stop);
        var jobs = await Queue.Sessions.JobsAsync("s1", limit: 2, cancellationToken: Stop);

        Assert.Equal((1L, 3L, 33.3, 2L), (session!.Done, session.Total, session.Percent, session.Active));
        Assert.Equal([0, 1], jobs.Jobs.Select(j => j.Order));
        Assert.Equal(2, Assert.Single((await Queue.Sessions.JobsAsync("s1", jobs.Cursor, 2, Stop)).Jobs).Order);
        Assert.Equal(SessionVerdict.Accepted, await Queue.Sessions.CancelAsync("s1", Stop));
        Assert.Equal(2, (await Queue.Sessions.GetAsync("s1", Stop))!.Cancelled);
    }

    [Fact]
    public async Task Failure_of_Redis_is_what_the_service_would_see()
    {
        _client.Failure = new RedisUnavailableException("Redis is not there.");
        var failed = await Assert.ThrowsAsync<EnqueueFailedException>(() => Queue.EnqueueAsync(new Clip("s1", 7), cancellationToken: Stop));
        Assert.Equal(0, failed.Uncertain);
        await Assert.ThrowsAsync<RedisUnavailableException>(() => Queue.GetInfoAsync(Stop));
        _client.Failure = null;
        await Queue.EnqueueAsync(new Clip("s1", 7), cancellationToken: Stop);
    }

    [Fact]
    public async Task What_the_real_client_refuses_is_refused()
    {
        Assert.Equal("priority", (await Assert.ThrowsAsync<InvalidJobException>(() => Queue.EnqueueAsync(new Clip("s1", 7), new EnqueueOptions { Priority = 10 }, Stop))).Field);
        await Assert.ThrowsAsync<InvalidJobException>(() => Queue.EnqueueRawAsync("[]"u8.ToArray(), cancellationToken: Stop));
        Assert.Throws<ArgumentException>(() => _client.Queue("no blanks"));
        await Assert.ThrowsAsync<JobNotFoundException>(() => Queue.WaitAsync("nobody", Stop));
    }

    private static string Told(JobEvent e) => $"{e.Kind} {e.State} {e.Job.Attempt} {e.Progress?.Percent}".TrimEnd();
}

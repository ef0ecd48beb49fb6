using System.Text;
using Gristmill.Redis;
using Gristmill.Store;
using Gristmill.Store.Sessions;

namespace Gristmill.Silo.Tests.Client;

/// <summary>Plays a silo of one queue, step by step, on the store alone.</summary>
internal sealed class HandSilo(IRedisClient redis, string service, string queue, string name = "hand")
{
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(5);
    private readonly Dictionary<long, (long Counter, JobRecord Record, int Attempt)> _held = [];
    private readonly string _generation = Guid.NewGuid().ToString("N");
    private long _counter;

    public QueueStore Store { get; } = new(redis, new RedisKeys(service, 0, queue));

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async Task JoinAsync()
    {
        await Store.RenewAsync(_generation, name, Lease, join: true, null, null, Stop);
        await redis.ExecuteAsync(new RedisCommand("SADD", RedisKeys.Queues(service), queue), Stop);
    }

    /// <summary>Gives the queue a policy for jobs that belong together.</summary>
    public async Task PolicyAsync(SessionPolicy policy) => await Store.RenewAsync(_generation, name, Lease, join: true, null, policy, Stop);

    /// <summary>Starts the next ready jobs and returns their numbers.</summary>
    public async Task<IReadOnlyList<long>> StartAsync(int most = 100)
    {
        var counter = ++_counter;
        var started = await Store.StartAsync(_generation, counter, most, 1 << 24, 0, Stop);
        Assert.Equal(StoreStatus.Ok, started.Status);
        foreach (var job in started.Jobs)
        {
            var record = JobRecord.Parse(job.Seq, job.Record);
            _held[job.Seq] = (counter, record, record.Header.Attempts + 1);
        }

        return [.. started.Jobs.Select(j => j.Seq)];
    }

    public async Task<long> StartOneAsync() => Assert.Single(await StartAsync(1));

    public async Task ProgressAsync(long seq, long done, long total, string? message = null) =>
        Assert.Empty(await Store.ProgressAsync(_generation, [(seq, _held[seq].Counter, new JobProgress(done, total, message))], Stop));

    public async Task CompleteAsync(long seq, string result = "")
    {
        var (counter, record, _) = _held[seq];
        var header = Ended(seq, JobState.Completed);
        header.PayloadLength = record.Payload.Length;
        var reply = await Store.CompleteAsync(_generation, [new Completion(seq, counter, header, Encoding.UTF8.GetBytes(result))], [], Stop);
        Assert.Empty(reply.Refused);
    }

    public Task BuryAsync(long seq, string reason = "retries", string message = "It did not work.")
    {
        var header = Ended(seq, JobState.Dead);
        header.Reason = reason;
        header.AddError(new JobError(header.FinishedAt, header.Attempts, "error", message));
        return SettleAsync(seq, Settlement.Bury, header);
    }

    /// <summary>What a bridge makes of an item that cannot be a job.</summary>
    public Task RefuseAsync(long seq, string reason, string message, string givenId)
    {
        var header = Ended(seq, JobState.Dead);
        (header.Attempts, header.Reason, header.Raw, header.GivenId) = (0, reason, true, givenId);
        header.AddError(new JobError(header.FinishedAt, 0, reason, message));
        return SettleAsync(seq, Settlement.Bury, header);
    }

    public Task CancelAsync(long seq)
    {
        var header = Ended(seq, JobState.Cancelled);
        header.Reason = "asked";
        return SettleAsync(seq, Settlement.Cancel, header);
    }

    public Task RetryLaterAsync(long seq, TimeSpan delay)
    {
        var header = _held[seq].Record.Header;
        header.Attempts = _held[seq].Attempt;
        return SettleAsync(seq, Settlement.Retry, header, delay);
    }

    public async Task BuryAllAsync(string reason = "retries")
    {
        foreach (var seq in await StartAsync(1000)) await BuryAsync(seq, reason);
    }

    private JobHeader Ended(long seq, JobState outcome)
    {
        var (_, record, attempt) = _held[seq];
        var header = record.Header;
        header.Attempts = attempt;
        header.Outcome = outcome;
        header.StartedAt = header.EnqueuedAt;
        header.FinishedAt = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        header.Silo = name;
        return header;
    }

    private async Task SettleAsync(long seq, Settlement settlement, JobHeader header, TimeSpan delay = default)
    {
        var reply = await Store.SettleAsync(_generation, [new Settled(seq, _held[seq].Counter, settlement, (long)delay.TotalMilliseconds, header)], Stop);
        Assert.Empty(reply.Refused);
        _held.Remove(seq);
    }
}

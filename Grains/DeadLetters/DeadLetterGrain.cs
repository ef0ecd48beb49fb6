using Gristmill.Grains.Bridge;
using Gristmill.Grains.Handlers;
using Gristmill.Grains.Options;
using Gristmill.Grains.Silo;
using Gristmill.Redis;
using Gristmill.Store;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Gristmill.Grains.DeadLetters;

/// <summary>
/// The dead letters of one queue: one activation in the cluster, wherever it happens to be. What it knows stands in the
/// store; it has no state of its own. It also empties the queue's outbox, so that foreign lists are written by one.
/// </summary>
[RandomPlacement]
internal sealed class DeadLetterGrain(IOptions<GristmillOptions> options, SiloIdentity silo, IRedisClient redis, ILogger<DeadLetterGrain> log) : Grain, IDeadLetterGrain
{
    private QueueStore? _store;

    private QueueStore Store => _store ??= new QueueStore(redis, new RedisKeys(options.Value.Service, BridgeHost.DatabaseOf(options.Value.Redis), this.GetPrimaryKeyString()));

    public async Task<DeadLetterPage> ListAsync(string? cursor, int limit)
    {
        var page = await Store.ListAsync(JobState.Dead, cursor, limit);
        return new DeadLetterPage([.. page.Jobs.Select(View)], page.Cursor);
    }

    public async Task<bool> RequeueAsync(string id)
    {
        if (await FindDeadAsync(id) is not { } job) return false;
        var window = TimeSpan.FromSeconds(options.Value.Queues.TryGetValue(this.GetPrimaryKeyString(), out var queue) ? queue.IdWindowSeconds : 86_400);
        return (await Store.RequeueAsync([(job.Seq, null)], window))[0].Verdict == "requeued";
    }

    public async Task<bool> PurgeAsync(string id) =>
        await FindDeadAsync(id) is { } job && await Store.PurgeAsync([job.Seq]) == 1;

    public async Task SendOutboxAsync()
    {
        try
        {
            foreach (var refused in await Store.SendOutboxAsync(silo.Name, OutcomeMessages.Instance))
            {
                log.OutboxRefused(this.GetPrimaryKeyString(), PlainText.OneLine(refused.List), PlainText.OneLine(refused.Error));
            }
        }
        catch (Exception error) when (error is RedisException or WrongTypeException)
        {
            // It stays in the outbox; bridges call again.
            log.OutboxFailed(this.GetPrimaryKeyString(), error.Message);
        }
    }

    private async Task<JobView?> FindDeadAsync(string id) =>
        await Store.GetAsync(id) is { State: JobState.Dead } job ? job : null;

    private static DeadLetter View(JobView job) => new(
        job.Id, job.Header.Reason ?? "unknown", job.Header.Errors.Count > 0 ? job.Header.Errors[^1].Message : string.Empty,
        DateTimeOffset.FromUnixTimeMilliseconds(job.Header.FinishedAt), job.Header.Attempts, job.Payload);
}

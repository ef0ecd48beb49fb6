using Gristmill.Redis;
using Gristmill.Store;

namespace Gristmill.Client;

/// <summary>
/// What holds for a queue: what the application said of it by name, else what its silos wrote beside it, else the defaults. So that
/// a queue is configured in one place, and its clients read its payloads as its silos do. Looked at again now and then.
/// </summary>
internal sealed class QueueSettings(ClientContext context, QueueStore store, RetryPolicy retry)
{
    // A queue that is configured anew is heard of within this time; its silos write theirs twice as often.
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    private volatile Looked? _looked;

    /// <summary>The settings.</summary>
    /// <exception cref="RedisException">They were never looked at, and Redis failed.</exception>
    public async ValueTask<ClientQueueOptions> GetAsync(CancellationToken cancellationToken)
    {
        if (context.Options.Queues.TryGetValue(store.Name, out var own)) return own;
        var known = _looked;
        if (known is not null && context.Clock.GetElapsedTime(known.At) < Period) return known.Settings;
        try
        {
            var rules = await retry.RepeatableAsync(store.RulesAsync, cancellationToken).ConfigureAwait(false);
            known = new Looked(rules is null ? context.Options.Defaults : Of(rules), context.Clock.GetTimestamp());
            _looked = known;
        }
        catch (RedisException) when (known is not null)
        {
            // What comes next says what is wrong with Redis.
        }

        return known.Settings;
    }

    private ClientQueueOptions Of(QueueRules rules) => new()
    {
        MaxPayloadBytes = rules.MaxPayloadBytes,
        AllowOpaque = rules.AllowOpaque,
        Dialect = rules.Dialect,
        Fields = rules.Fields,
        IdWindow = TimeSpan.FromMilliseconds(rules.IdWindowMs),
        MaxWaiting = rules.MaxWaiting,
        ReplyToPrefixes = rules.ReplyToPrefixes,
        MaxReady = context.Options.Defaults.MaxReady,
    };

    private sealed record Looked(ClientQueueOptions Settings, long At);
}

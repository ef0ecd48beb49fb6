using System.Globalization;
using Gristmill.Redis;
using Gristmill.Store;

namespace Gristmill.Client;

/// <summary>
/// Why the ready jobs of a queue do not start: asked of Redis where there are any, with several commands in turn. Who reads many
/// jobs a second can go by what was said a moment ago (<see cref="GristmillClientOptions.WaitingForAge"/>).
/// </summary>
internal sealed class QueueConditions(ClientContext context, QueueStore store)
{
    private volatile Looked? _looked;

    /// <summary>The condition that these jobs are in; of no interest where none is ready.</summary>
    public async ValueTask<QueueCondition> OfAsync(IReadOnlyList<JobView> jobs, CancellationToken cancellationToken)
    {
        if (!jobs.Any(j => j.State == JobState.Queued)) return default;
        if (_looked is { } known && context.Clock.GetElapsedTime(known.At) < context.Options.WaitingForAge) return known.Condition;
        var at = context.Clock.GetTimestamp();
        var condition = await LookAsync(cancellationToken).ConfigureAwait(false);
        _looked = new Looked(condition, at);
        return condition;
    }

    /// <summary>This client has changed it.</summary>
    public void Forget() => _looked = null;

    private async ValueTask<QueueCondition> LookAsync(CancellationToken cancellationToken)
    {
        var stateTask = context.Redis.ExecuteAsync(new RedisCommand("HGET", store.Keys.Of("meta"), "state"), cancellationToken);
        var time = await context.Redis.ExecuteAsync(new RedisCommand("TIME"), cancellationToken).ConfigureAwait(false);
        var now = (time[0].AsInteger() * 1000) + (time[1].AsInteger() / 1000);
        var silosTask = context.Redis.ExecuteAsync(new RedisCommand("ZCOUNT", store.Keys.Of("leases"), now.ToString(CultureInfo.InvariantCulture), "+inf"), cancellationToken);
        var state = (await stateTask.ConfigureAwait(false)).AsStringOrNull();
        var silos = (await silosTask.ConfigureAwait(false)).AsInteger();
        if (state == "paused" || silos == 0) return new QueueCondition(state == "paused" ? QueueMode.Paused : QueueMode.Open, silos > 0);
        var served = await new SiloRegistry(context.Redis, store.Keys.Service).ListAsync(cancellationToken).ConfigureAwait(false);
        var waits = served.Where(s => !s.IsLost).SelectMany(s => s.Record.Queues).Where(q => q.Name == store.Name).Select(q => q.WaitingFor).ToList();
        return new QueueCondition(QueueMode.Open, HasSilo: true, QueueCondition.DeviceOf(waits));
    }

    private sealed record Looked(QueueCondition Condition, long At);
}

using Gristmill.Redis;
using Gristmill.Store.Sessions;

namespace Gristmill.Store;

// Leases of silo generations: join, renew, leave, and the reaper.
public sealed partial class QueueStore
{
    /// <summary>Joins the queue with a generation, or renews its lease, and learns what the store thinks that it holds.</summary>
    /// <param name="generation">The silo's generation.</param>
    /// <param name="silo">The silo's name, for people.</param>
    /// <param name="ttl">How long the lease lasts from now on.</param>
    /// <param name="join">Whether to take a lease that is not there.</param>
    /// <param name="lists">The foreign lists that the queue's outcomes go to; null for none.</param>
    /// <param name="sessions">The policy for jobs that belong together; null for none.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <exception cref="SchemaException">The keys were written by a version with another schema.</exception>
    public async ValueTask<RenewReply> RenewAsync(string generation, string silo, TimeSpan ttl, bool join, ForeignLists? lists = null, SessionPolicy? sessions = null, CancellationToken cancellationToken = default)
    {
        var call = Call("renew").AddArg(generation).AddArg(silo).AddArg((long)ttl.TotalMilliseconds).AddArg(join ? 1 : 0).AddArg(RedisKeys.Schema)
            .AddArg(lists?.DeadLetters ?? string.Empty).AddArg(lists?.RepliesText() ?? string.Empty).AddArg(sessions?.ToText() ?? string.Empty);
        var reply = await RunAsync(call, cancellationToken).ConfigureAwait(false);
        var status = StatusOf(reply);
        if (status != StoreStatus.Ok) return new RenewReply(status, reply[1].AsString(), QueueMode.Open, new Dictionary<long, long>(), new Dictionary<long, string>());
        var held = new Dictionary<long, long>(reply[3].Count / 2);
        for (var i = 0; i + 1 < reply[3].Count; i += 2) held[reply[3][i].AsInteger()] = reply[3][i + 1].AsInteger();
        var cancels = new Dictionary<long, string>();
        for (var i = 0; i + 1 < reply[4].Count; i += 2) cancels[reply[4][i].AsInteger()] = reply[4][i + 1].AsString();
        return new RenewReply(status, reply[1].AsString(), Mode(reply[2].AsString()), held, cancels);
    }

    /// <summary>
    /// Says on the queue's channels what nobody minds. Who may not publish there hears it so; a script would find out when it has
    /// written its records.
    /// </summary>
    /// <exception cref="RedisServerException">The user may not.</exception>
    public async ValueTask GreetAsync(CancellationToken cancellationToken = default)
    {
        var greetings = new[] { keys.Events, keys.Control }.Select(channel => redis.ExecuteAsync(new RedisCommand("PUBLISH", channel, "hello"), cancellationToken).AsTask());
        await Task.WhenAll(greetings).ConfigureAwait(false);
    }

    /// <summary>Gives up the lease of a generation that holds nothing any more.</summary>
    /// <returns>How many jobs it still holds; while there are any the lease stays.</returns>
    public async ValueTask<long> LeaveAsync(string generation, CancellationToken cancellationToken = default) =>
        (await RunAsync(Call("leave").AddArg(generation), cancellationToken).ConfigureAwait(false))[1].AsInteger();

    /// <summary>One tick of the reaper: gives back the jobs of expired generations, by the server's clock.</summary>
    public async ValueTask<ReapReply> ReapAsync(ReapOptions options, CancellationToken cancellationToken = default)
    {
        var call = Call("reap").AddArg(keys.Events).AddArg(keys.Control)
            .AddArg((long)options.Interval.TotalMilliseconds).AddArg((long)options.Gap.TotalMilliseconds)
            .AddArg((long)options.LeaseTtl.TotalMilliseconds).AddArg(options.LostBudget).AddArg(options.MaxItems);
        var reply = await RunAsync(call, cancellationToken).ConfigureAwait(false);
        return new ReapReply(reply[2].AsString(), Strings(reply[3]), (int)reply[4].AsInteger(), (int)reply[5].AsInteger(), (int)reply[6].AsInteger());
    }

    private static QueueMode Mode(string? state) => state switch
    {
        "paused" => QueueMode.Paused,
        "draining" => QueueMode.Draining,
        _ => QueueMode.Open,
    };
}

/// <summary>How the reaper works.</summary>
public sealed record ReapOptions
{
    /// <summary>Ticks closer together than this do nothing. Default 500 ms.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>After a longer pause without ticks no lease is believed to have expired; all are extended once. Default 3 s.</summary>
    public TimeSpan Gap { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long extended leases last. Default 5 s.</summary>
    public TimeSpan LeaseTtl { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How often a job may lose its silo or worker before it is a dead letter. Default 3.</summary>
    public int LostBudget { get; init; } = 3;

    /// <summary>Jobs looked at in one tick. Default 1,000.</summary>
    public int MaxItems { get; init; } = 1000;
}

using Gristmill.Redis;

namespace Gristmill.Engine;

/// <summary>
/// Carries messages by lists in Redis. Lists rather than pub/sub: what is sent while a silo connects again waits for it, and
/// a slow reader is not disconnected.
/// </summary>
internal sealed class RedisMessageChannel(IRedisClient redis, ClusterKeys keys) : IMessageChannel
{
    /// <summary>An inbox that nobody sends to and nobody reads goes by itself: longer than any silo can be frozen and be a member still.</summary>
    private const long KeepMilliseconds = 60_000;

    public async ValueTask<SendStatus> SendAsync(string member, IReadOnlyList<byte[]> messages, int most, CancellationToken cancellationToken)
    {
        var call = EngineScripts.MessageSend.Call()
            .AddKey(keys.Alive).AddKey(keys.Inbox(member)).AddArg(member).AddArg(most).AddArg(KeepMilliseconds);
        foreach (var message in messages)
            call.AddArg(message);
        var reply = await redis.EvaluateAsync(call, cancellationToken).ConfigureAwait(false);
        return reply[0].AsString() switch
        {
            "ok" => SendStatus.Sent,
            "full" => SendStatus.Full,
            _ => SendStatus.NotMember,
        };
    }

    public async ValueTask<IMessageInbox> OpenAsync(string member, CancellationToken cancellationToken) =>
        new RedisInbox(await redis.OpenDedicatedAsync(cancellationToken).ConfigureAwait(false), redis, keys.Inbox(member));
}

/// <summary>
/// Waits at a list with BLMOVE of its head onto itself, which wakes at once and takes nothing, and takes what is there by
/// a script: a wait that is given up, or whose reply is lost, loses no message. Not by LPOP: Garnet 2.2.8 does not keep it and
/// a script that pushes apart, and then loses messages and gives others twice.
/// </summary>
internal sealed class RedisInbox(RedisDedicated connection, IRedisClient redis, string list) : IMessageInbox
{
    /// <summary>How many messages are taken at once: enough to make the round trip cheap, few enough to be decoded soon.</summary>
    private const int Most = 128;

    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(1);

    private bool _more;

    public async ValueTask<IReadOnlyList<ReadOnlyMemory<byte>>> ReceiveAsync(CancellationToken cancellationToken)
    {
        if (_more && await TakeAsync(cancellationToken).ConfigureAwait(false) is { Count: > 0 } taken)
            return taken;
        var reply = await connection.ExecuteAsync(
            new RedisCommand("BLMOVE", list, list, "LEFT", "LEFT").Add((long)Wait.TotalSeconds), Wait, cancellationToken).ConfigureAwait(false);
        return reply.IsNull ? [] : await TakeAsync(cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<IReadOnlyList<ReadOnlyMemory<byte>>> TakeAsync(CancellationToken cancellationToken)
    {
        var reply = await redis.EvaluateAsync(EngineScripts.MessageTake.Call().AddKey(list).AddArg(Most), cancellationToken).ConfigureAwait(false);
        _more = reply.Count > 0;
        return [.. reply.AsList().Select(message => message.Bytes)];
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();
}

using System.Buffers;
using Gristmill.Redis;

namespace Gristmill.Store;

/// <summary>
/// One queue in Redis: every step of its jobs, each one script of one batch, and the views on them. The steps that silos
/// make are in QueueStore.Work.cs and QueueStore.Leases.cs, those of clients and operators in QueueStore.Jobs.cs, the
/// reading in QueueStore.Read.cs. Holds no state but its keys: safe for use by many at once, and steps called one after
/// the other without waiting reach Redis in that order.
/// </summary>
/// <remarks>
/// Every step may throw <see cref="RedisException"/>; after one with <see cref="RedisException.MayHaveExecuted"/> it can be
/// made again, since the store acknowledges what the same holder has recorded already. It throws
/// <see cref="WrongTypeException"/> when a key is not of the type it should be; then nothing was changed.
/// </remarks>
public sealed partial class QueueStore(IRedisClient redis, RedisKeys keys)
{
    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _headerBuffer;

    /// <summary>What is sent for a script; tests put others in its place that fail in the midst.</summary>
    internal Func<StoreScript, RedisScript> ScriptOf { get; init; } = static script => script.Script;

    /// <summary>The queue's name.</summary>
    public string Name => keys.Queue;

    /// <summary>The queue's keys and channels.</summary>
    public RedisKeys Keys => keys;

    private RedisScriptCall Call(string verb, string? list = null)
    {
        var script = StoreScript.Load(verb);
        var call = new RedisScriptCall(ScriptOf(script));
        foreach (var key in script.Keys)
        {
            if (key.Count > 1)
            {
                foreach (var shard in keys.Jobs) call.AddKey(shard);
            }
            else
            {
                call.AddKey(key.Name == "list" ? list! : keys.Of(key.Name));
            }
        }

        return call;
    }

    private async ValueTask<RedisReply> RunAsync(RedisScriptCall call, CancellationToken cancellationToken)
    {
        Failpoints.Hit(call.Script.Name, "before");
        var reply = await redis.EvaluateAsync(call, cancellationToken).ConfigureAwait(false);
        Failpoints.Hit(call.Script.Name, "after");
        var status = StatusOf(reply);
        return status switch
        {
            StoreStatus.WrongType => throw new WrongTypeException(reply[1].AsString(), reply[2].AsString(), reply[3].AsString()),
            StoreStatus.Schema => throw new SchemaException(Name, reply[2].AsString()),
            _ => reply,
        };
    }

    private static StoreStatus StatusOf(RedisReply reply) => (StoreStatus)reply[0].AsInteger();

    private static void AddHeader(RedisScriptCall call, JobHeader header)
    {
        var buffer = _headerBuffer ??= new ArrayBufferWriter<byte>(1024);
        buffer.ResetWrittenCount();
        header.Write(buffer);
        call.AddArg(buffer.WrittenSpan);
    }

    private static List<long> Numbers(RedisReply reply)
    {
        var numbers = new List<long>(reply.Count);
        foreach (var item in reply.Items) numbers.Add(item.AsInteger());
        return numbers;
    }

    private static List<string> Strings(RedisReply reply)
    {
        var strings = new List<string>(reply.Count);
        foreach (var item in reply.Items) strings.Add(item.AsString());
        return strings;
    }
}

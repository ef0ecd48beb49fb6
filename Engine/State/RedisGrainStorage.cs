using Gristmill.Redis;
using Microsoft.Extensions.Options;

namespace Gristmill.Engine;

/// <summary>Keeps states in Redis, one hash each. The version is compared and replaced within one script.</summary>
internal sealed class RedisGrainStorage(IRedisClient redis, IOptions<GrainEngineOptions> options) : IGrainStorage
{
    private readonly string _serviceId = options.Value.ServiceId;

    public async Task<StoredState?> ReadAsync(StateId id, CancellationToken cancellationToken)
    {
        var reply = await redis.ExecuteAsync(new RedisCommand("HMGET", RedisKeys.State(_serviceId, id), "etag", "data"), cancellationToken);
        return reply[0].IsNull ? null : new StoredState(reply[0].AsString(), reply[1].Bytes);
    }

    public async Task<string> WriteAsync(StateId id, string? etag, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        // A version is never used twice, so that a record that was removed and written anew is not taken for the old one.
        var next = Guid.NewGuid().ToString("N");
        var call = EngineScripts.WriteState.Call()
            .AddKey(RedisKeys.State(_serviceId, id)).AddArg(etag ?? "").AddArg(next).AddArg(data.Span);
        Check(await redis.EvaluateAsync(call, cancellationToken), id, etag, "written");
        return next;
    }

    public async Task ClearAsync(StateId id, string? etag, CancellationToken cancellationToken)
    {
        var call = EngineScripts.ClearState.Call().AddKey(RedisKeys.State(_serviceId, id)).AddArg(etag ?? "");
        Check(await redis.EvaluateAsync(call, cancellationToken), id, etag, "removed");
    }

    private static void Check(RedisReply reply, StateId id, string? etag, string what)
    {
        if (reply[0].AsInteger() == 1)
            return;
        var stored = reply[1].AsString();
        throw new InconsistentStateException(
            $"The state {id} was not {what}: another writer changed it since it was read.", stored.Length == 0 ? null : stored, etag);
    }
}

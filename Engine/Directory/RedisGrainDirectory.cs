using Gristmill.Redis;

namespace Gristmill.Engine;

/// <summary>The directory in Redis, by its scripts.</summary>
internal sealed class RedisGrainDirectory(IRedisClient redis, ClusterKeys keys) : IGrainDirectory
{
    public async Task<IReadOnlyList<string>?> RegisterAsync(string member, IReadOnlyList<GrainId> grains, CancellationToken cancellationToken)
    {
        var call = EngineScripts.GrainRegister.Call()
            .AddKey(keys.Alive).AddKey(keys.Directory).AddKey(keys.Held(member)).AddArg(member);
        var reply = await EvaluateAsync(call, grains, cancellationToken).ConfigureAwait(false);
        return reply[0].AsString() == "ok" ? [.. reply.AsList().Skip(1).Select(holder => holder.AsString())] : null;
    }

    public async Task UnregisterAsync(string member, IReadOnlyList<GrainId> grains, CancellationToken cancellationToken)
    {
        var call = EngineScripts.GrainUnregister.Call().AddKey(keys.Directory).AddKey(keys.Held(member)).AddArg(member);
        await EvaluateAsync(call, grains, cancellationToken).ConfigureAwait(false);
    }

    public async Task<IReadOnlyList<string?>> LookupAsync(IReadOnlyList<GrainId> grains, CancellationToken cancellationToken)
    {
        var call = EngineScripts.GrainLookup.Call().AddKey(keys.Alive).AddKey(keys.Directory);
        var reply = await EvaluateAsync(call, grains, cancellationToken).ConfigureAwait(false);
        return [.. reply.AsList().Select(holder => holder.AsString() is { Length: > 0 } id ? id : null)];
    }

    private ValueTask<RedisReply> EvaluateAsync(RedisScriptCall call, IReadOnlyList<GrainId> grains, CancellationToken cancellationToken)
    {
        foreach (var grain in grains)
            call.AddArg(grain.ToString());
        return redis.EvaluateAsync(call, cancellationToken);
    }
}

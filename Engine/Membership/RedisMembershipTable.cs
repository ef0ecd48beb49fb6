using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Gristmill.Redis;

namespace Gristmill.Engine;

/// <summary>The membership in Redis, by its scripts.</summary>
internal sealed class RedisMembershipTable(IRedisClient redis, ClusterKeys keys) : IMembershipTable
{
    /// <summary>The most members that one renewal removes: a script must stay short.</summary>
    private const int MostRemoved = 64;

    /// <summary>How long the messages to a former member are kept, ms: longer than one that leaves in order takes to answer them.</summary>
    private const long KeepMessages = 10_000;

    /// <summary>An end of a membership further away than this, and than twenty of the caller's own, was written by no silo.</summary>
    private static readonly TimeSpan Far = TimeSpan.FromMinutes(10);

    public async Task<RenewReply> RenewAsync(RenewRequest request, CancellationToken cancellationToken)
    {
        var call = EngineScripts.MemberRenew.Call()
            .AddKey(keys.Members).AddKey(keys.Loads).AddKey(keys.Alive).AddKey(keys.View).AddKey(keys.Dead)
            .AddArg(request.Member).AddArg(request.Record).AddArg(request.Load)
            .AddArg((long)request.Ttl.TotalMilliseconds).AddArg((long)request.Gap.TotalMilliseconds)
            .AddArg(request.Mode switch { RenewMode.Join => "join", RenewMode.Rejoin => "rejoin", _ => "renew" })
            .AddArg(request.KnownVersion == 0 ? "" : request.KnownVersion.ToString(CultureInfo.InvariantCulture))
            .AddArg(keys.Changed).AddArg(MostRemoved).AddArg((long)Math.Max(Far.TotalMilliseconds, 20 * request.Ttl.TotalMilliseconds))
            .WithTimeout(request.Ttl);
        var reply = await redis.EvaluateAsync(call, cancellationToken).ConfigureAwait(false);
        if (reply[0].AsString() != "ok")
            return RenewReply.NotMember;
        var members = reply[4].Count == 0 ? null : new List<ClusterMember>(reply[4].Count / 2);
        var unreadable = new List<string>();
        for (var index = 0; index + 1 < reply[4].Count; index += 2)
        {
            var id = reply[4][index].AsString();
            if (MemberRecord.Read(id, reply[4][index + 1].Bytes.Span) is { } member)
                members!.Add(member);
            else
                unreadable.Add(id);
        }

        return new RenewReply(
            true, reply[1].AsInteger(), DateTimeOffset.FromUnixTimeMilliseconds(reply[2].AsInteger()),
            [.. reply[3].AsList().Select(id => id.AsString())], members, [.. reply[5].AsList().Select(id => id.AsString())])
        {
            Strangers = [.. reply[6].AsList().Select(id => id.AsString())],
            Unreadable = unreadable,
        };
    }

    public async Task LeaveAsync(string member, CancellationToken cancellationToken)
    {
        var call = EngineScripts.MemberLeave.Call()
            .AddKey(keys.Members).AddKey(keys.Loads).AddKey(keys.Alive).AddKey(keys.View).AddKey(keys.Dead)
            .AddArg(member).AddArg(keys.Changed);
        await redis.EvaluateAsync(call, cancellationToken).ConfigureAwait(false);
    }

    public async Task<long> PurgeAsync(string member, int most, CancellationToken cancellationToken)
    {
        var call = EngineScripts.MemberPurge.Call()
            .AddKey(keys.Alive).AddKey(keys.Dead).AddKey(keys.Directory).AddKey(keys.Held(member)).AddKey(keys.Inbox(member)).AddKey(keys.Loads)
            .AddArg(member).AddArg(most).AddArg(KeepMessages);
        return (await redis.EvaluateAsync(call, cancellationToken).ConfigureAwait(false))[0].AsInteger();
    }

    public async Task<IReadOnlyList<ClusterMemberState>> ListAsync(CancellationToken cancellationToken)
    {
        var call = EngineScripts.MemberList.Call().AddKey(keys.Members).AddKey(keys.Loads).AddKey(keys.Alive);
        var reply = await redis.EvaluateAsync(call, cancellationToken).ConfigureAwait(false);
        var members = new List<ClusterMemberState>(reply.Count / 4);
        for (var index = 1; index + 3 < reply.Count; index += 4)
        {
            if (MemberRecord.Read(reply[index].AsString(), reply[index + 1].Bytes.Span) is not { } member)
                continue;
            var load = MemberLoad.Read(reply[index + 2].AsString());
            members.Add(new(member, load.Activations, load.CallsInFlight, TimeSpan.FromMilliseconds(reply[index + 3].AsInteger())));
        }

        return members;
    }

    public async IAsyncEnumerable<long?> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var subscription = await redis.SubscribeAsync(keys.Changed, cancellationToken).ConfigureAwait(false);
        yield return null;
        await foreach (var message in subscription.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            var known = message.Kind == RedisMessageKind.Message && long.TryParse(Encoding.ASCII.GetString(message.Payload.Span), out var version);
            yield return known ? long.Parse(Encoding.ASCII.GetString(message.Payload.Span), CultureInfo.InvariantCulture) : null;
        }
    }
}

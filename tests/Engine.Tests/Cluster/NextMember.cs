using System.Text.Json.Nodes;
using Gristmill.Redis;
using Gristmill.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gristmill.Engine.Tests.Cluster;

/// <summary>
/// A member of a later version, played by the test: its record and its messages have members that this version does not
/// know, and it reads messages of later versions too.
/// </summary>
internal sealed class NextMember : IAsyncDisposable
{
    private static readonly TimeSpan Ttl = TimeSpan.FromMinutes(1);
    private readonly IRedisClient _redis;
    private readonly RedisMessageChannel _channel;
    private readonly WireSerializer _wire = new(1 << 20);
    private readonly Queue<JsonNode> _received = new();
    private IMessageInbox? _inbox;

    private NextMember(string url, ClusterKeys keys)
    {
        _redis = RedisClient.Connect(new RedisOptions { Url = url }, NullLoggerFactory.Instance);
        _channel = new RedisMessageChannel(_redis, keys);
    }

    public string Id { get; } = new SiloAddress("next", Guid.NewGuid()).Id;

    /// <summary>Joins; <paramref name="protocol"/> are the versions of messages that it reads, as JSON.</summary>
    public static async Task<NextMember> JoinAsync(IRedisServer server, TestCluster cluster, string protocol, IEnumerable<string> grains)
    {
        var next = new NextMember(server.Url, cluster.Keys);
        var record = new JsonObject
        {
            ["status"] = "active", ["host"] = "elsewhere", ["version"] = "9.9.9", ["protocol"] = JsonNode.Parse(protocol), ["grains"] = new JsonArray([.. grains.Select(g => (JsonNode)g)]),
            ["zone"] = new JsonObject { ["name"] = "b", ["weights"] = new JsonArray(1, 2) }, ["pid2"] = "not a number",
        };
        var table = new RedisMembershipTable(next._redis, cluster.Keys);
        var reply = await table.RenewAsync(new(next.Id, record.ToJsonString(), "0 0 17 later", Ttl, TestCluster.Ttl / 2, RenewMode.Join, 0), TestContext.Current.CancellationToken);
        Assert.True(reply.IsMember);
        next._inbox = await next._channel.OpenAsync(next.Id, TestContext.Current.CancellationToken);
        return next;
    }

    /// <summary>Sends a message with members that nobody knows; <paramref name="change"/> makes it what no message of this version is.</summary>
    public async Task SendAsync(string member, Message message, Action<JsonObject>? change = null)
    {
        var node = JsonNode.Parse(_wire.Write(message))!.AsObject();
        Strange(node);
        foreach (var part in (string[])["4", "5"])
            if (node[part] is JsonObject inner) Strange(inner);
        change?.Invoke(node);
        Assert.Equal(SendStatus.Sent, await _channel.SendAsync(member, [System.Text.Encoding.UTF8.GetBytes(node.ToJsonString())], 100, TestContext.Current.CancellationToken));
    }

    /// <summary>The next message that came for it, of this kind.</summary>
    public async Task<Message> ReceiveAsync(MessageKind kind)
    {
        while (true)
        {
            while (_received.TryDequeue(out var node))
                if (_wire.Read<Message>(System.Text.Encoding.UTF8.GetBytes(node.ToJsonString())) is var message && message.Kind == kind) return message;
            foreach (var bytes in await _inbox!.ReceiveAsync(TestContext.Current.CancellationToken))
                _received.Enqueue(JsonNode.Parse(bytes.Span)!);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_inbox is not null) await _inbox.DisposeAsync();
        await _redis.DisposeAsync();
    }

    private static void Strange(JsonObject node)
    {
        node["90"] = new JsonObject { ["later"] = new JsonArray(1, "two", new JsonObject()) };
        node["name"] = "by name";
    }
}

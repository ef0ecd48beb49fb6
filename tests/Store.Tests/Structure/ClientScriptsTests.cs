using System.Text.Json;
using Gristmill.Redis;
using Gristmill.Store.Tests.Support;
using Gristmill.Testing;

namespace Gristmill.Store.Tests.Structure;

/// <summary>The scripts that clients in other languages find.</summary>
public sealed class ClientScriptsTests(SharedStores stores) : IClassFixture<SharedStores>
{
    // What clients of protocol 1.0 fill. Taking one away, or giving it another meaning, is protocol 2.0; adding to it is 1.1.
    [Theory]
    [InlineData("cancel", "events control id_window reason", "id")]
    [InlineData("control", "control state", "")]
    [InlineData("enqueue", "events control epoch schema id_window max_ready max_waiting", "id fingerprint after header payload")]
    [InlineData("purge", "events control", "seq")]
    [InlineData("requeue", "events control id_window", "seq edited payload")]
    [InlineData("session_end", "events control session verb", "")]
    [InlineData("session_view", "session", "")]
    public void Clients_of_protocol_1_find_what_they_fill(string verb, string arguments, string items)
    {
        Assert.StartsWith("1.", RedisKeys.Protocol, StringComparison.Ordinal);
        var script = StoreScript.Load(verb);
        Assert.Empty(arguments.Split(' ').Except(script.Arguments));
        Assert.Empty(items.Split(' ', StringSplitOptions.RemoveEmptyEntries).Except(script.Items));
        Assert.Contains(verb, ClientScripts.Verbs);
    }

    [Fact]
    public void Export_has_every_script_of_clients_as_it_is_sent()
    {
        var export = JsonDocument.Parse(ClientScripts.Export("1.2.3")).RootElement;
        Assert.Equal((RedisKeys.Protocol, RedisKeys.Schema, "1.2.3"), (export.GetProperty("protocol").GetString(), export.GetProperty("schema").GetString(), export.GetProperty("version").GetString()));
        foreach (var verb in ClientScripts.Verbs)
        {
            var (script, told) = (StoreScript.Load(verb), export.GetProperty("scripts").GetProperty(verb));
            Assert.Equal(script.Script.Body, told.GetProperty("body").GetString());
            Assert.Equal(script.Arguments, told.GetProperty("arguments").EnumerateArray().Select(a => a.GetString()));
            Assert.Equal(script.Items, told.GetProperty("items").EnumerateArray().Select(a => a.GetString()));
        }
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task What_is_published_can_be_called_by_its_names(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind), join: false);
        await new ClientScripts(queue.Redis, queue.Keys.Service).PublishAsync("1.0.0", TestQueue.Stop);
        var reply = await queue.Redis.ExecuteAsync(new RedisCommand("HGET", RedisKeys.Scripts(queue.Keys.Service), "enqueue"), TestQueue.Stop);
        var script = JsonDocument.Parse(reply.Bytes).RootElement;
        var known = new Dictionary<string, string>
        {
            ["events"] = queue.Keys.Events, ["control"] = queue.Keys.Control, ["epoch"] = "ab", ["schema"] = RedisKeys.Schema, ["id_window"] = "60000", ["max_ready"] = "0", ["max_waiting"] = "0",
            ["id"] = "a", ["fingerprint"] = "f", ["after"] = "", ["header"] = """{"raw":1,"id":"a"}""", ["payload"] = "{}",
        };
        var call = new RedisScriptCall(new RedisScript("enqueue", script.GetProperty("body").GetString()!));
        foreach (var key in script.GetProperty("keys").EnumerateArray()) call.AddKey(queue.Keys.Of(key.GetString()!));
        foreach (var name in script.GetProperty("arguments").EnumerateArray().Concat(script.GetProperty("items").EnumerateArray())) call.AddArg(known[name.GetString()!]);

        Assert.Equal(0, (await queue.Redis.EvaluateAsync(call, TestQueue.Stop))[0].AsInteger());
        Assert.Equal(JobState.Queued, (await queue.Store.GetAsync("a", TestQueue.Stop))?.State);
    }

    [Fact]
    public async Task Scripts_of_a_later_version_stay_and_those_of_an_earlier_one_are_replaced()
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(StoreKind.Redis), join: false);
        var scripts = new ClientScripts(queue.Redis, queue.Keys.Service);
        async Task<(string?, string?)> FoundAsync()
        {
            var found = await queue.Redis.ExecuteAsync(new RedisCommand("HMGET", RedisKeys.Scripts(queue.Keys.Service), "version", "purge"), TestQueue.Stop);
            return (found[0].AsStringOrNull(), found[1].AsStringOrNull());
        }

        async Task OtherAsync(string version) => await queue.Redis.ExecuteAsync(
            new RedisCommand("HSET", RedisKeys.Scripts(queue.Keys.Service), "version", version, "digest", "another", "purge", "theirs"), TestQueue.Stop);

        await OtherAsync("0.10.0");
        await scripts.PublishAsync("0.9.0", TestQueue.Stop);
        Assert.Equal(("0.10.0", "theirs"), await FoundAsync());
        await scripts.PublishAsync("0.10.1", TestQueue.Stop);
        Assert.Equal("0.10.1", (await FoundAsync()).Item1);
        Assert.NotEqual("theirs", (await FoundAsync()).Item2);
        await OtherAsync("nonsense");
        await scripts.PublishAsync("0.9.0", TestQueue.Stop);
        Assert.Equal("0.9.0", (await FoundAsync()).Item1);
    }
}

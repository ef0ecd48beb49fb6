using System.Text.RegularExpressions;
using Gristmill.Redis;
using Gristmill.Store.Payloads;
using Gristmill.Store.Sessions;
using Gristmill.Store.Tests.Support;
using Gristmill.Testing;

namespace Gristmill.Store.Tests.Structure;

/// <summary>A script, its header and its caller say the same.</summary>
public sealed partial class ScriptTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static readonly JobHeader Header = new() { Id = "id7", DependsOn = ["x", "y"] };

    // What each caller is given, and what the script must get: the header's names with these values.
    private static readonly Dictionary<string, (Func<QueueStore, Task> Call, string[] Arguments)> Callers = new()
    {
        ["claim"] = (s => s.ClaimAsync(Request, "ep", TestQueue.Stop).AsTask(),
            ["events=EVENTS", "generation=g7", "counter=8", "epoch=ep", "from=right", "max_items=9", "max_bytes=10", "max_payload=11", "dead_limit=12", "waiting_limit=15", "limit=13", "window=14", "priority=3", "mode=i"]),
        ["start"] = (s => s.StartAsync("g7", 8, 9, 10, 11, TestQueue.Stop).AsTask(), ["events=EVENTS", "control=CONTROL", "generation=g7", "counter=8", "max_items=9", "max_bytes=10", "limit=11"]),
        ["admit"] = (s => s.AdmitAsync("g7", [new Admission(1, 2, true, Header, "print")], Seconds(3), TestQueue.Stop).AsTask(),
            ["events=EVENTS", "control=CONTROL", "generation=g7", "id_window=3000", "seq=1", "counter=2", "verb=k", "id=id7", "fingerprint=print", "after=x\ny", "header={\"id\":\"id7\",\"dep\":[\"x\",\"y\"]}"]),
        ["enqueue"] = (s => s.EnqueueAsync([new NewJob(Header, "print", "pay"u8.ToArray())], "ep", Seconds(3), 4, 5, TestQueue.Stop).AsTask(),
            ["events=EVENTS", "control=CONTROL", "epoch=ep", "schema=1", "id_window=3000", "max_ready=4", "max_waiting=5", "id=id7", "fingerprint=print", "after=x\ny", "header={\"id\":\"id7\",\"dep\":[\"x\",\"y\"]}", "payload=pay"]),
        ["complete"] = (s => s.CompleteAsync("g7", [new Completion(1, 2, new JobHeader(), "res"u8.ToArray())], [], TestQueue.Stop).AsTask(),
            ["events=EVENTS", "control=CONTROL", "generation=g7", "outbox=0", "seq=1", "counter=2", "header={}", "result=res"]),
        ["settle"] = (s => s.SettleAsync("g7", [new Settled(1, 2, Settlement.Retry, 3, null)], TestQueue.Stop).AsTask(),
            ["events=EVENTS", "control=CONTROL", "generation=g7", "seq=1", "counter=2", "verb=r", "delay=3", "header="]),
        ["progress"] = (s => s.ProgressAsync("g7", [(1, 2, new JobProgress(3, 4, "m"))], TestQueue.Stop).AsTask(),
            ["events=EVENTS", "generation=g7", "seq=1", "counter=2", "progress=[3,4,\"m\"]"]),
        ["cancel"] = (s => s.CancelAsync(["id7"], "why", Seconds(3), TestQueue.Stop).AsTask(), ["events=EVENTS", "control=CONTROL", "id_window=3000", "reason=why", "id=id7"]),
        ["renew"] = (s => s.RenewAsync("g7", "silo", Seconds(3), true, new ForeignLists("dead_copies", ["r:"], PayloadFields.Default), new SessionPolicy { Finalises = true }, TestQueue.Stop).AsTask(),
            ["generation=g7", "silo=silo", "ttl=3000", "join=1", "schema=1", "mirror=dead_copies", "replies=[\"reply_to\",\"job_id\",\"r:\"]", "sessions=1 a 0 30000 0 s 1 250 86400000"]),
        ["leave"] = (s => s.LeaveAsync("g7", TestQueue.Stop).AsTask(), ["generation=g7"]),
        ["reap"] = (s => s.ReapAsync(new ReapOptions { Interval = Seconds(1), Gap = Seconds(2), LeaseTtl = Seconds(3), LostBudget = 4, MaxItems = 5 }, TestQueue.Stop).AsTask(),
            ["events=EVENTS", "control=CONTROL", "interval=1000", "gap=2000", "ttl=3000", "lost_budget=4", "max_items=5"]),
        ["requeue"] = (s => s.RequeueAsync([(1, "new"u8.ToArray())], Seconds(3), TestQueue.Stop).AsTask(), ["events=EVENTS", "control=CONTROL", "id_window=3000", "seq=1", "edited=1", "payload=new"]),
        ["purge"] = (s => s.PurgeAsync([1], TestQueue.Stop).AsTask(), ["events=EVENTS", "control=CONTROL", "seq=1"]),
        ["trim"] = (s => s.TrimAsync(1, Seconds(2), Seconds(3), 4, TestQueue.Stop).AsTask(), ["keep_count=1", "keep_age=2000", "id_window=3000", "max_lines=4"]),
        ["session_view"] = (s => s.SessionAsync("s7", TestQueue.Stop).AsTask(), ["session=s7"]),
        ["session_end"] = (s => s.CancelSessionAsync("s7", TestQueue.Stop).AsTask(), ["events=EVENTS", "control=CONTROL", "session=s7", "verb=k"]),
        ["session_step"] = (s => s.StepSessionsAsync(9, TestQueue.Stop).AsTask(), ["events=EVENTS", "control=CONTROL", "max_items=9"]),
        ["control"] = (s => s.SetModeAsync(QueueMode.Draining, TestQueue.Stop).AsTask(), ["control=CONTROL", "state=draining"]),
    };

    private static ClaimRequest Request => new()
    {
        List = "pushed", FromTail = true, Generation = "g7", Counter = 8, MaxItems = 9, MaxBytes = 10, MaxPayload = 11, DeadLimit = 12, WaitingLimit = 15, Limit = 13, Window = 14, Priority = 3, Start = false,
    };

    private static TimeSpan Seconds(int seconds) => TimeSpan.FromSeconds(seconds);

    [Fact]
    public void Scripts_and_callers_are_the_same_set()
    {
        Assert.Equal(StoreScript.All, Callers.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(StoreScript.All, Scenario.All.Select(s => s.Verb).Order(StringComparer.Ordinal));
        var source = string.Join('\n', Directory.GetFiles(Repository.Path("Store"), "QueueStore*.cs").Select(File.ReadAllText));
        var calls = CallOfScript().Matches(source).Select(m => m.Groups[1].Value).Order(StringComparer.Ordinal);
        Assert.Equal(StoreScript.All, calls);
    }

    [Theory, MemberData(nameof(Rows.Steps), MemberType = typeof(Rows))]
    public async Task Caller_fills_keys_and_arguments_as_the_header_names_them(string verb)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(StoreKind.Redis), join: false);
        var script = StoreScript.Load(verb);
        var (call, expected) = Callers[verb];

        // The script is one that raises what it got.
        var echo = new QueueStore(queue.Redis, queue.Keys) { ScriptOf = s => new RedisScript(s.Name, "return redis.error_reply('GOT ' .. cjson.encode({KEYS, ARGV}))") };
        var got = await Assert.ThrowsAsync<RedisServerException>(() => call(echo));
        var json = System.Text.Json.JsonDocument.Parse(got.Message[(got.Message.IndexOf("GOT ", StringComparison.Ordinal) + 4)..].Trim()).RootElement;
        var keys = json[0].EnumerateArray().Select(k => k.GetString()!).ToList();
        var arguments = json[1].EnumerateArray().Select(a => a.GetString()!).ToList();

        Assert.Equal(script.Keys.SelectMany(k => k.Name == "list" ? ["pushed"] : k.Count > 1 ? queue.Keys.Jobs : [queue.Keys.Of(k.Name)]), keys);
        var names = script.Arguments.Concat(script.Items).ToList();
        Assert.Equal(names.Count, arguments.Count);
        Assert.Equal(
            expected.Select(e => e.Replace("EVENTS", queue.Keys.Events, StringComparison.Ordinal).Replace("CONTROL", queue.Keys.Control, StringComparison.Ordinal)),
            names.Zip(arguments, (n, a) => $"{n}={a}"));
    }

    [Theory, MemberData(nameof(Rows.Steps), MemberType = typeof(Rows))]
    public void Script_header_is_whole_and_names_only_what_is_used(string verb)
    {
        var script = StoreScript.Load(verb);
        Assert.StartsWith($"-- {verb}: ", script.Source, StringComparison.Ordinal);
        Assert.Contains("\n-- REPLY  status", script.Source, StringComparison.Ordinal);
        Assert.Contains("\n-- EVENT  ", script.Source, StringComparison.Ordinal);
        var code = string.Join('\n', script.Script.Body.Split('\n').Where(l => !l.StartsWith("--", StringComparison.Ordinal)));
        foreach (var argument in script.Arguments)
        {
            Assert.True(Regex.Count(code, $@"\ba_{argument}\b") > 1, $"{verb} takes {argument} and does not use it");
        }

        foreach (var key in script.Keys)
        {
            // Once where the name is made, once where its type is checked, and then where it is used.
            Assert.True(Regex.Count(code, $@"\bk_{key.Name}\b") > 2, $"{verb} takes the key {key.Name} and does not use it");
        }

        if (script.Items.Count > 0) Assert.Matches($@"(FIRST|first|i)\b.*\b{script.Items.Count}\b|FIRST, #ARGV do|each_once\(FIRST, 1\)", script.Source);
    }

    [Theory, MemberData(nameof(Rows.Steps), MemberType = typeof(Rows))]
    public void Script_calls_commands_on_keys_that_were_passed_and_only_shared_commands(string verb)
    {
        // What Redis from 6.2, Valkey and Garnet share, and nothing that removes by value or blocks the server.
        string[] shared =
        [
            "HDEL", "HEXISTS", "HGET", "HGETALL", "HINCRBY", "HLEN", "HMGET", "HSET", "HVALS", "LLEN", "LRANGE", "LTRIM", "PUBLISH", "RPUSH", "TIME", "TYPE",
            "ZADD", "ZCARD", "ZCOUNT", "ZRANGE", "ZRANGEBYSCORE", "ZREM", "ZREMRANGEBYSCORE", "ZREVRANGEBYSCORE", "ZSCORE",
        ];
        var script = StoreScript.Load(verb);
        foreach (Match call in RedisCall().Matches(script.Script.Body))
        {
            var (command, key) = (call.Groups[1].Value, call.Groups[2].Value);
            if (command.Length > 0) Assert.Contains(command, shared);
            Assert.True(key is "" or "key" or "hash" or "a_events" or "a_control" or "waiting[w]" || key.StartsWith("k_", StringComparison.Ordinal), $"{verb}: {call.Value} names no passed key");
            if (key.StartsWith("k_", StringComparison.Ordinal) && script.Source.Contains(call.Value, StringComparison.Ordinal))
            {
                Assert.Contains(key[2..].Split('[')[0], script.Keys.Select(k => k.Name));
            }
        }

        foreach (Match use in KeyUse().Matches(script.Source)) Assert.Contains(use.Groups[1].Value, script.Keys.Select(k => k.Name));
        foreach (Match use in ArgumentUse().Matches(script.Source)) Assert.Contains(use.Groups[1].Value, script.Arguments);
    }

    [Fact]
    public void Constants_of_common_lua_are_those_of_the_code()
    {
        var common = File.ReadAllText(Repository.Path("Store/Scripts/common.lua"));
        var line = common.Split('\n').Single(l => l.StartsWith("local OK, ", StringComparison.Ordinal));
        var sides = line["local ".Length..].Split('=');
        var codes = sides[0].Split(',').Select(n => n.Trim().Replace("_", "", StringComparison.Ordinal)).Zip(sides[1].Split(',').Select(int.Parse)).ToList();
        foreach (var (name, code) in codes)
        {
            var found = name == "DEADFULL" ? StoreStatus.DeadLettersFull : Enum.Parse<StoreStatus>(name, ignoreCase: true);
            Assert.Equal((int)found, code);
        }

        Assert.Equal(Enum.GetValues<StoreStatus>().Length, codes.Count);
        Assert.Contains($"local SHARDS, RUN_OF_SHARD = {RedisKeys.Shards}, {RedisKeys.RunOfShard}\n", common, StringComparison.Ordinal);
        Assert.Contains($"local MAX_ERRORS = {JobHeader.MaxErrors}\n", common, StringComparison.Ordinal);
        var ids = File.ReadAllText(Repository.Path("Store/Scripts/ids.lua"));
        Assert.Contains("local NEW, DUPLICATE, CONFLICT, CANCELLED, LOST = 0, 1, 2, 3, 4\n", ids, StringComparison.Ordinal);
        Assert.Equal([0, 1, 2, 3, 4], Enum.GetValues<AdmitVerdict>().Select(v => (int)v));
        Assert.Equal(["Admitted", "Duplicate", "Conflict", "Cancelled", "Lost"], Enum.GetNames<AdmitVerdict>());
    }

    [Fact]
    public void Protocol_page_names_every_script_with_its_keys_arguments_and_header_members()
    {
        var page = File.ReadAllText(Repository.Path("docs/redis-protocol.md"));
        Assert.Contains($"\nProtocol {RedisKeys.Protocol}, schema {RedisKeys.Schema}. ", page, StringComparison.Ordinal);
        Assert.Contains($"all of what silos alone call ({string.Join(", ", StoreScript.All.Except(ClientScripts.Verbs).Select(v => $"`{v}`"))})", page, StringComparison.Ordinal);
        Assert.Contains($"for {string.Join(", ", ClientScripts.Verbs.SkipLast(1).Select(v => $"`{v}`"))} and `{ClientScripts.Verbs[^1]}`.", page, StringComparison.Ordinal);
        Assert.Contains($"`{new QueueRules { MaxPayloadBytes = 1048576, IdWindowMs = 86_400_000, MaxWaiting = 100_000, Fields = PayloadFields.Default }.ToJson().Split(",\"queuedAt\"")[0]},…", page, StringComparison.Ordinal);
        foreach (var script in StoreScript.All.Select(StoreScript.Load))
        {
            var row = page.Split('\n').SingleOrDefault(l => l.StartsWith($"| `{script.Name}` | `", StringComparison.Ordinal)) ?? "";
            Assert.Contains($"`{string.Join(' ', script.Arguments)}`", row, StringComparison.Ordinal);
            if (script.Items.Count > 0) Assert.Contains($"`{string.Join(' ', script.Items)}`", row, StringComparison.Ordinal);
            Assert.Contains($"`{string.Join(' ', script.Keys.Select(k => k.Count > 1 ? $"{k.Name}*{k.Count}" : k.Name))}`", row, StringComparison.Ordinal);
        }

        var writer = File.ReadAllText(Repository.Path("Store/JobHeader.cs"));
        foreach (Match member in Regex.Matches(writer, "case \"([a-z0-9]+)\": [A-Z]")) Assert.Contains($"| `{member.Groups[1].Value}` |", page, StringComparison.Ordinal);
    }

    [GeneratedRegex("""\bCall\("([a-z_]+)"[,)]""")]
    private static partial Regex CallOfScript();

    [GeneratedRegex(@"redis\.call\((?:'([A-Z]+)'|command)(?:, ([\w\[\]]+))?")]
    private static partial Regex RedisCall();

    [GeneratedRegex(@"\bk_([a-z]+)")]
    private static partial Regex KeyUse();

    [GeneratedRegex(@"\ba_([a-z_]+)")]
    private static partial Regex ArgumentUse();
}

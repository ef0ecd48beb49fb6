using Gristmill.Store.Tests.Support;
using Gristmill.Testing;

namespace Gristmill.Store.Tests.Silos;

public sealed class SiloRegistryTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private const string Service = "tests";

    private static SiloRecord Record(string id, string name = "mill") => new()
    {
        Id = id,
        Name = name,
        State = "running",
        Version = "1.2.3",
        Engine = "Redis",
        Host = "host",
        Pid = 42,
        StartedAt = DateTimeOffset.UnixEpoch,
        LeaseSeconds = 5,
        Labels = ["gpu"],
        Queues = [new SiloQueueRecord("asr", "g1", 4, 2, null)],
        Gpus = [new SiloGpuRecord { Name = "gpu0", Id = "GPU-1", Type = "A10", State = "ok", MemoryMiB = 24_000, Models = [new SiloGpuModelRecord("asr", "m", 6000, "idle", 1)] }],
        Completed = 7,
        Dead = 1,
    };

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Silo_that_reports_is_listed_as_it_said(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind), join: false);
        var registry = new SiloRegistry(queue.Redis, Service);

        Assert.False(await registry.ReportAsync(Record("b", "second"), TestQueue.Stop));
        Assert.False(await registry.ReportAsync(Record("a", "first"), TestQueue.Stop));
        await registry.ReportAsync(Record("a", "first") with { State = "draining" }, TestQueue.Stop);

        var views = await registry.ListAsync(TestQueue.Stop);
        Assert.Equal([("a", "draining"), ("b", "running")], views.Select(v => (v.Record.Id, v.Record.State)));
        Assert.Equivalent(Record("b", "second"), views[1].Record, strict: true);
        Assert.All(views, v => Assert.False(v.IsLost));
        Assert.Empty(await new SiloRegistry(queue.Redis, "other").ListAsync(TestQueue.Stop));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Silo_that_is_silent_for_longer_than_its_lease_is_lost_and_at_last_forgotten(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind), join: false);
        var registry = new SiloRegistry(queue.Redis, Service);
        await registry.ReportAsync(Record("a"), TestQueue.Stop);

        await queue.Do("PEXPIRE", RedisKeys.Silo(Service, "a"), $"{(long)(SiloRegistry.Keep - TimeSpan.FromSeconds(6)).TotalMilliseconds}");
        var lost = Assert.Single(await registry.ListAsync(TestQueue.Stop));
        Assert.True(lost.IsLost);
        Assert.InRange(lost.HeardAgo.TotalSeconds, 6, 60);

        await queue.Do("UNLINK", RedisKeys.Silo(Service, "a"));
        Assert.Empty(await registry.ListAsync(TestQueue.Stop));
        Assert.Equal(0, (await queue.Do("SCARD", RedisKeys.Silos(Service))).AsInteger());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Silo_hears_in_its_report_that_it_shall_drain_and_leaves_nothing_behind(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind), join: false);
        var registry = new SiloRegistry(queue.Redis, Service);
        await registry.ReportAsync(Record("a"), TestQueue.Stop);
        await registry.ReportAsync(Record("b"), TestQueue.Stop);

        await registry.DrainAsync("a", TestQueue.Stop);

        Assert.Equal([true, false], (await registry.ListAsync(TestQueue.Stop)).OrderBy(v => v.Record.Id).Select(v => v.DrainAsked));
        Assert.True(await registry.ReportAsync(Record("a"), TestQueue.Stop));
        Assert.False(await registry.ReportAsync(Record("b"), TestQueue.Stop));
        await registry.LeaveAsync("a", TestQueue.Stop);
        await registry.LeaveAsync("b", TestQueue.Stop);
        Assert.Equal(0, (await queue.Do("DBSIZE")).AsInteger());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Record_of_another_version_or_of_something_else_does_no_harm(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind), join: false);
        var registry = new SiloRegistry(queue.Redis, Service);
        await registry.ReportAsync(Record("a"), TestQueue.Stop);
        var json = (await queue.Do("GET", RedisKeys.Silo(Service, "a"))).AsString();
        await queue.Do("SET", RedisKeys.Silo(Service, "a"), json.Replace("{\"id\"", "{\"moon\":{\"phase\":1},\"id\"", StringComparison.Ordinal), "PX", "3600000");
        await queue.Do("SADD", RedisKeys.Silos(Service), "junk", "gone", "hash");
        await queue.Do("HSET", RedisKeys.Silo(Service, "hash"), "a", "b");
        await queue.Do("SET", RedisKeys.Silo(Service, "junk"), "not json");

        Assert.Equal("a", Assert.Single(await registry.ListAsync(TestQueue.Stop)).Record.Id);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task What_no_silo_has_written_is_left_out_and_forgotten(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind), join: false);
        var registry = new SiloRegistry(queue.Redis, "strangers");
        await registry.ReportAsync(Record("a"), TestQueue.Stop);
        var json = System.Text.Json.JsonSerializer.Serialize(Record("fake"), new System.Text.Json.JsonSerializerOptions(System.Text.Json.JsonSerializerDefaults.Web));
        var (hour, year) = ("3600000", "31536000000");
        await FakeAsync("garbage", "{", hour);
        await FakeAsync("another's id", json, hour);
        await FakeAsync("nulls", json.Replace("\"mill\"", "null", StringComparison.Ordinal).Replace("fake", "nulls", StringComparison.Ordinal), hour);
        await FakeAsync("fake", json, year);
        await FakeAsync("no end", json.Replace("fake", "no end", StringComparison.Ordinal), null);

        Assert.Equal(["a"], (await registry.ListAsync(TestQueue.Stop)).Select(v => v.Record.Id));
        Assert.Equal(1, (await queue.Do("SCARD", RedisKeys.Silos("strangers"))).AsInteger());

        // It is a silo's own record as soon as one writes it.
        await registry.ReportAsync(Record("fake"), TestQueue.Stop);
        Assert.Equal(["a", "fake"], (await registry.ListAsync(TestQueue.Stop)).Select(v => v.Record.Id).Order());

        async Task FakeAsync(string id, string record, string? keep)
        {
            await queue.Do("SADD", RedisKeys.Silos("strangers"), id);
            await queue.Do("SET", RedisKeys.Silo("strangers", id), record);
            if (keep is not null) await queue.Do("PEXPIRE", RedisKeys.Silo("strangers", id), keep);
        }
    }
}

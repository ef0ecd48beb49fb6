using System.Text;
using System.Text.Json;
using Gristmill.Grains.Options;
using Gristmill.Redis;
using Gristmill.Store;
using Gristmill.Store.Payloads;
using Gristmill.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gristmill.Grains.Tests.Bridge;

/// <summary>
/// One queue of its own on a server, with a client beside the silos: what producers and operators do, and what they see.
/// Silos that a test starts end with it, released from whatever holds them.
/// </summary>
internal sealed class Stage : IAsyncDisposable
{
    public const string Queue = "grist";
    private static readonly TimeSpan Window = TimeSpan.FromHours(1);
    private static int _last;
    private readonly List<TestSilo> _silos = [];

    private Stage(IRedisServer server)
    {
        Server = server;
        Service = $"t{Environment.ProcessId}-{Interlocked.Increment(ref _last)}";
        List = $"{Service}_list";
        Redis = RedisClient.Connect(RedisOptions.Parse(server.Url), NullLoggerFactory.Instance);
        Store = new QueueStore(Redis, new RedisKeys(Service, 0, Queue));
    }

    public IRedisServer Server { get; }

    public string Service { get; }

    public string List { get; }

    public IRedisClient Redis { get; }

    public QueueStore Store { get; }

    public Orders Orders { get; } = new();

    public static Stage On(IRedisServer server) => new(server);

    public async Task<TestSilo> StartSiloAsync(Action<QueueOptions>? queue = null, Action<GristmillOptions>? silo = null, string? url = null)
    {
        var started = await TestSilo.StartAsync(this, $"silo{_silos.Count + 1}", url ?? Server.Url, queue, silo);
        _silos.Add(started);
        return started;
    }

    public async Task<RedisReply> DoAsync(params string[] words)
    {
        var command = new RedisCommand(words[0], words[1..]);
        return await Redis.ExecuteAsync(command);
    }

    public Task PushAsync(params string[] payloads) => PushToAsync(List, payloads);

    public async Task PushToAsync(string list, params string[] payloads)
    {
        foreach (var part in payloads.Chunk(500)) await Redis.ExecuteAsync(new RedisCommand("RPUSH", [list, .. part]));
    }

    public async Task PushBytesAsync(byte[] payload) => await Redis.ExecuteAsync(new RedisCommand("RPUSH", List).Add(payload));

    public async Task<JobView?> FindAsync(string id) => await Store.GetAsync(id);

    /// <summary>Waits until the job with this id is in a state.</summary>
    public Task<JobView> JobAsync(string id, JobState state) => Eventually.MatchesAsync(
        $"job {id} is {state}", async () => (await Store.GetAsync(id))!, j => j?.State == state);

    /// <summary>Waits until the job whose handler was called with a number is in a state.</summary>
    public async Task<JobView> JobAsync(int n, JobState state)
    {
        await Orders.CalledAsync(n);
        return await JobAsync(Orders.Calls.First(c => c.N == n).Job.JobId, state);
    }

    public async Task<QueueCounts> CountAsync() => await Store.CountAsync();

    public Task<QueueCounts> CountsAsync(string expected, Func<QueueCounts, bool> matches, TimeSpan? limit = null) =>
        Eventually.MatchesAsync(expected, CountAsync, matches, limit);

    public Task CompletedAsync(long jobs) => CountsAsync($"{jobs} jobs are completed", c => c.Totals["completed"] == jobs && c.Running == 0, TimeSpan.FromSeconds(60));

    /// <summary>Waits for that many dead letters, and returns them, the oldest first.</summary>
    public async Task<IReadOnlyList<JobView>> DeadAsync(int count)
    {
        var page = await Eventually.MatchesAsync($"{count} dead letters", async () => await Store.ListAsync(JobState.Dead, null, 1000), p => p.Jobs.Count == count);
        return [.. page.Jobs.Reverse()];
    }

    public async Task<IReadOnlyList<string>> CancelAsync(params string[] ids) => await Store.CancelAsync(ids, "test", Window);

    public async Task ModeAsync(QueueMode mode) => await Store.SetModeAsync(mode);

    public async Task<IReadOnlyList<EnqueueResult>> EnqueueAsync(params (JobHeader Header, string Payload)[] jobs)
    {
        var rows = jobs.Select(j => Bytes(j.Payload) is var bytes
            ? new NewJob(j.Header, j.Header.Id is null ? string.Empty : Fingerprint.Of(bytes, PayloadFields.Default), bytes)
            : throw new InvalidOperationException()).ToList();
        return (await Store.EnqueueAsync(rows, QueueStore.NewEpoch(TimeProvider.System, new Random()), Window, 0, 0)).Results;
    }

    public async Task PurgeAsync(params long[] seqs) => await Store.PurgeAsync(seqs);

    public async Task RequeueAsync(params long[] seqs) => await Store.RequeueAsync([.. seqs.Select(s => (s, (ReadOnlyMemory<byte>?)null))], Window);

    /// <summary>What a foreign list has, oldest first, once it has so many.</summary>
    public async Task<IReadOnlyList<JsonElement>> ReadListAsync(string list, int count)
    {
        var reply = await Eventually.MatchesAsync($"{count} items in {list}", async () => await DoAsync("LRANGE", list, "0", "-1"), r => r.Count == count);
        return [.. reply.Items.ToArray().Select(i => JsonDocument.Parse(i.AsString()).RootElement)];
    }

    public async Task<long> LengthAsync(string list) => (await DoAsync("LLEN", list)).AsInteger();

    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    public static string Result(JobView job) => Encoding.UTF8.GetString(job.Result.Span);

    public async ValueTask DisposeAsync()
    {
        foreach (var silo in _silos)
        {
            foreach (var call in Orders.Calls) Orders.Release(call.N);
            await silo.DisposeAsync();
        }

        await Redis.DisposeAsync();
    }
}

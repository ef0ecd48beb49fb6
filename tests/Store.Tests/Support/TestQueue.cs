using System.Globalization;
using System.Text;
using Gristmill.Redis;
using Gristmill.Store.Sessions;
using Gristmill.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gristmill.Store.Tests.Support;

/// <summary>
/// A queue in an emptied database, a generation "g1" that has joined it, and short words for the steps. What time must
/// bring about, tests bring about by setting scores back: nothing waits.
/// </summary>
internal sealed class TestQueue : IAsyncDisposable
{
    public const string Generation = "g1";
    public const string Other = "g2";
    public static readonly TimeSpan Window = TimeSpan.FromHours(1);
    public static readonly TimeSpan Ttl = TimeSpan.FromMinutes(10);
    private long _counter;

    private TestQueue(IRedisClient redis)
    {
        Redis = redis;
        Keys = new RedisKeys("tests", 0, "q");
        Store = new QueueStore(redis, Keys);
    }

    public IRedisClient Redis { get; }

    public RedisKeys Keys { get; }

    public QueueStore Store { get; }

    public string List => "pushed";

    /// <summary>The reply list of jobs that are enqueued and say nothing else.</summary>
    public string? ReplyTo { get; set; }

    /// <summary>The policy that generations bring that join.</summary>
    public SessionPolicy? Sessions { get; set; }

    /// <summary>What generations announce that join.</summary>
    public ForeignLists? Lists { get; set; }

    public static CancellationToken Stop => TestContext.Current.CancellationToken;

    public static Task<TestQueue> OpenAsync(IRedisServer server, bool join = true) => OpenAsync(server.Url, join);

    public static async Task<TestQueue> OpenAsync(string url, bool join = true)
    {
        var queue = new TestQueue(Connect(url));
        await queue.Do("FLUSHDB");
        if (join) await queue.JoinAsync();
        return queue;
    }

    public static IRedisClient Connect(string url)
    {
        var options = RedisOptions.Parse(url);
        options.BackoffMin = TimeSpan.FromMilliseconds(5);
        options.BackoffMax = TimeSpan.FromMilliseconds(50);
        options.CommandTimeout = TimeSpan.FromSeconds(20);
        options.ConnectTimeout = TimeSpan.FromSeconds(20);
        return RedisClient.Connect(options, NullLoggerFactory.Instance, TimeProvider.System, new Random(7));
    }

    public ValueTask<RedisReply> Do(string command, params string[] arguments) => Redis.ExecuteAsync(new RedisCommand(command, arguments), Stop);

    public long NextCounter() => ++_counter;

    public async Task JoinAsync(string generation = Generation) =>
        Assert.Equal(StoreStatus.Ok, (await Store.RenewAsync(generation, "silo-" + generation, Ttl, join: true, Lists, Sessions, Stop)).Status);

    public async Task PushAsync(params string[] items)
    {
        foreach (var item in items) await Do("RPUSH", List, item);
    }

    /// <summary>Claims, and remembers nothing: the counter is in the reply's place of the caller.</summary>
    public ValueTask<ClaimReply> ClaimAsync(int max = 100, bool start = true, QueueStore? store = null, Func<ClaimRequest, ClaimRequest>? with = null)
    {
        var request = new ClaimRequest { List = List, Generation = Generation, Counter = NextCounter(), MaxItems = max, Start = start };
        return (store ?? Store).ClaimAsync(with?.Invoke(request) ?? request, "e1", Stop);
    }

    public ValueTask<StartReply> StartAsync(int max = 100, int maxBytes = 1 << 22, int limit = 0, string generation = Generation) =>
        Store.StartAsync(generation, NextCounter(), max, maxBytes, limit, Stop);

    /// <summary>Enqueues one job with this payload and returns its number.</summary>
    public async Task<long> EnqueueAsync(string payload, Action<JobHeader>? with = null)
    {
        var job = New(payload, h =>
        {
            h.ReplyTo = ReplyTo;
            with?.Invoke(h);
        });
        var reply = await Store.EnqueueAsync([job], "e1", Window, 0, 0, Stop);
        return reply.Results[0].Seq;
    }

    public static NewJob New(string payload, Action<JobHeader>? with = null, string? fingerprint = null)
    {
        var header = new JobHeader();
        with?.Invoke(header);
        return new NewJob(header, fingerprint ?? $"print-{payload}", Encoding.UTF8.GetBytes(payload));
    }

    /// <summary>Starts the ready jobs; returns the counter under which they are held.</summary>
    public async Task<long> RunReadyAsync(string generation = Generation)
    {
        var counter = NextCounter();
        await Store.StartAsync(generation, counter, 1000, 1 << 22, 0, Stop);
        return counter;
    }

    /// <summary>One job, enqueued and started.</summary>
    public async Task<(long Seq, long Counter)> RunningAsync(string payload, Action<JobHeader>? with = null, string generation = Generation)
    {
        var seq = await EnqueueAsync(payload, with);
        return (seq, await RunReadyAsync(generation));
    }

    public async Task<FinishReply> CompleteAsync(long seq, long counter, string result = "{\"ok\":true}", string generation = Generation, params OutboxMessage[] outbox) =>
        await Store.CompleteAsync(generation, [await CompletionAsync(seq, counter, result)], outbox, Stop);

    public async Task<Completion> CompletionAsync(long seq, long counter, string result = "{\"ok\":true}")
    {
        var record = await RecordAsync(seq) ?? new JobRecord(seq, new JobHeader(), default, default);
        var header = record.Header;
        header.Outcome = JobState.Completed;
        header.FinishedAt = 1_700_000_000_000 + counter;
        header.PayloadLength = record.Payload.Length;
        return new Completion(seq, counter, header, Encoding.UTF8.GetBytes(result));
    }

    public async Task<Settled> SettlementAsync(long seq, long counter, Settlement how, long delay = 0)
    {
        var header = (await RecordAsync(seq))?.Header ?? new JobHeader();
        if (how == Settlement.Retry)
        {
            header.Attempts++;
            header.AddError(new JobError(1, header.Attempts, "error", "It failed."));
        }

        if (how is Settlement.Bury or Settlement.Cancel)
        {
            header.Outcome = how == Settlement.Bury ? JobState.Dead : JobState.Cancelled;
            header.FinishedAt = 1_700_000_000_000 + counter;
            header.Reason = how == Settlement.Bury ? "retries" : null;
        }

        return new Settled(seq, counter, how, delay, how == Settlement.Release ? null : header);
    }

    public async Task<FinishReply> SettleAsync(long seq, long counter, Settlement how, long delay = 0, string generation = Generation) =>
        await Store.SettleAsync(generation, [await SettlementAsync(seq, counter, how, delay)], Stop);

    public async Task<string> CancelAsync(string id, string reason = "") => (await Store.CancelAsync([id], reason, Window, Stop))[0];

    public async Task<JobRecord?> RecordAsync(long seq)
    {
        var reply = await Do("HGET", Keys.JobsOf(seq), seq.ToString(CultureInfo.InvariantCulture));
        return reply.IsNull ? null : JobRecord.Parse(seq, reply.Bytes);
    }

    public async Task<JobView?> ViewAsync(long seq)
    {
        var epoch = (await Do("HGET", Keys.Of("meta"), "epoch")).AsStringOrNull();
        return await Store.GetAsync($"{epoch}-{seq}", Stop);
    }

    public async Task<JobState?> StateAsync(long seq) => (await ViewAsync(seq))?.State;

    public async Task<long> NowAsync()
    {
        var time = await Do("TIME");
        return time[0].AsInteger() * 1000 + time[1].AsInteger() / 1000;
    }

    /// <summary>Makes the lease of a generation one that expired long ago.</summary>
    public async Task ExpireAsync(string generation = Generation) => await Do("ZADD", Keys.Of("leases"), "1", generation);

    /// <summary>Makes a job that waits for its time due.</summary>
    public async Task MakeDueAsync(string index, long seq) => await Do("ZADD", Keys.Of(index), "XX", "1", seq.ToString(CultureInfo.InvariantCulture));

    public static ReapOptions Reaping { get; } = new() { Interval = TimeSpan.Zero, Gap = TimeSpan.FromHours(1), LeaseTtl = Ttl };

    /// <summary>A first tick, so that the next one has no gap before it; and no sweep is outstanding.</summary>
    public async Task FirstTickAsync() => Assert.Equal("first", (await Store.ReapAsync(Reaping, Stop)).What);

    public async ValueTask DisposeAsync() => await Redis.DisposeAsync();
}

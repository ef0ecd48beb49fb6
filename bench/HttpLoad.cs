using System.Diagnostics;
using System.Net.ServerSentEvents;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gristmill.Grains.Handlers;
using Gristmill.Redis;
using Gristmill.Testing;

namespace Gristmill.Bench;

/// <summary>
/// The HTTP API of a silo in a process of its own: 200 readers follow jobs that report progress once a second, while 2,000
/// requests a second are sent at their times, whether those before were answered or not; --jobs says how many. Of ten requests
/// five enqueue a job that the silo runs, three read one, one reads a page of 50 and one the queue's numbers. A request's
/// time counts from when it should have been sent.
/// </summary>
internal static class HttpLoad
{
    private const int Readers = 200;
    private const int PerSecond = 2000;

    // A request that finds none free waits, and its time runs.
    private const int Connections = 256;
    private const int WarmUp = 20_000;
    private const string Jobs = $"/api/queues/{Load.Queue}/jobs";

    public static async Task<JsonObject> RunAsync(BenchSettings settings, IRedisClient redis)
    {
        var url = $"http://127.0.0.1:{Ports.Next()}";
        await using var silos = await SiloGroup.StartAsync(settings, redis, Load.Store(redis, settings.Redis), 1, SiloTellHandler.Name, 1000, url);
        using var http = Client(url, 1);
        using var streams = Client(url, Readers);
        await Eventually.TrueAsync("the silo listens", () => IsUpAsync(http), TimeSpan.FromSeconds(60));
        using var over = new CancellationTokenSource();
        var events = new Counter();
        var ids = new List<string>();
        for (var n = 0; n < Readers; n++) ids.Add(await EnqueueAsync(http, """{"payload":{"watch":true}}"""));
        var readers = ids.Select(id => ReadAsync(streams, id, events, over.Token)).ToList();
        await Eventually.TrueAsync("all readers have an event", () => events.Readers == Readers, TimeSpan.FromSeconds(60));
        using var wires = await HttpWires.ConnectAsync(new Uri(url), Connections);
        var requests = Requests(new Uri(url), ids);
        await SendAsync(wires, requests, WarmUp);
        var (eventsBefore, cpu, started) = (events.Events, silos.Cpu(), Stopwatch.GetTimestamp());
        var sent = await SendAsync(wires, requests, settings.Jobs);
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        var used = silos.Cpu() - cpu;
        var told = events.Events - eventsBefore;
        await over.CancelAsync();
        await Task.WhenAll(readers);
        var times = sent.Where(t => t >= 0).Order().ToList();
        return new JsonObject
        {
            ["requestsPerSecond"] = settings.Jobs / seconds,
            ["p50Ms"] = times[times.Count / 2],
            ["p99Ms"] = times[(int)(times.Count * 0.99)],
            ["maxMs"] = times[^1],
            ["failed"] = (double)(sent.Count - times.Count),
            ["eventsPerSecond"] = told / seconds,
            ["siloCpuShare"] = used / seconds,
            ["siloCpuMicrosecondsARequest"] = used / settings.Jobs * 1e6,
        };
    }

    // The requests of a turn; each is sent as it stands here.
    private static byte[][] Requests(Uri server, List<string> ids) => [.. ids.Select((id, n) => (n % 10) switch
    {
        < 5 => HttpWire.Request(server, "POST", Jobs, Encoding.UTF8.GetBytes($$"""{"payload":{{Encoding.UTF8.GetString(Load.Payload(n))}}}""")),
        < 8 => HttpWire.Request(server, "GET", $"{Jobs}/{id}"),
        8 => HttpWire.Request(server, "GET", $"{Jobs}?limit=50"),
        _ => HttpWire.Request(server, "GET", $"/api/queues/{Load.Queue}"),
    })];

    // Milliseconds of each request; -1 for one that failed.
    private static async Task<List<double>> SendAsync(HttpWires wires, byte[][] requests, int count)
    {
        var tasks = new List<Task<double>>(count);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(2));
        var start = Stopwatch.GetTimestamp();
        while (tasks.Count < count)
        {
            var due = Math.Min(count, (int)(Stopwatch.GetElapsedTime(start).TotalSeconds * PerSecond));
            while (tasks.Count < due)
            {
                var n = tasks.Count;
                tasks.Add(OneAsync(wires, requests[n % requests.Length], start + (long)((double)n / PerSecond * Stopwatch.Frequency)));
            }

            await timer.WaitForNextTickAsync();
        }

        return [.. await Task.WhenAll(tasks)];
    }

    private static async Task<double> OneAsync(HttpWires wires, byte[] request, long due)
    {
        try
        {
            return await wires.SendAsync(request) is >= 200 and < 300 ? Stopwatch.GetElapsedTime(due).TotalMilliseconds : -1;
        }
        catch (Exception error) when (error is SocketException or InvalidDataException)
        {
            return -1;
        }
    }

    private static HttpClient Client(string url, int connections) =>
        new(new SocketsHttpHandler { MaxConnectionsPerServer = connections, PooledConnectionIdleTimeout = TimeSpan.FromMinutes(10) }) { BaseAddress = new Uri(url), Timeout = TimeSpan.FromSeconds(60) };

    private static async Task<bool> IsUpAsync(HttpClient http)
    {
        try
        {
            return (await http.GetAsync("/health/live")).IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static async Task<string> EnqueueAsync(HttpClient http, string job)
    {
        using var response = await http.PostAsync(Jobs, new StringContent(job, Encoding.UTF8, "application/json"));
        return (await JsonDocument.ParseAsync(await response.EnsureSuccessStatusCode().Content.ReadAsStreamAsync())).RootElement.GetProperty("id").GetString()!;
    }

    private static async Task ReadAsync(HttpClient http, string id, Counter events, CancellationToken over)
    {
        try
        {
            using var response = await http.GetAsync($"{Jobs}/{id}/events", HttpCompletionOption.ResponseHeadersRead, over);
            var first = true;
            await foreach (var _ in SseParser.Create(await response.Content.ReadAsStreamAsync(over)).EnumerateAsync(over))
            {
                events.Add(first);
                first = false;
            }
        }
        catch (Exception error) when (over.IsCancellationRequested && error is OperationCanceledException or IOException)
        {
            // The bench is over.
        }
    }

    private sealed class Counter
    {
        private int _readers;
        private long _events;

        public int Readers => Volatile.Read(ref _readers);

        public long Events => Interlocked.Read(ref _events);

        public void Add(bool isFirst)
        {
            if (isFirst) Interlocked.Increment(ref _readers);
            Interlocked.Increment(ref _events);
        }
    }
}

/// <summary>Reports progress once a second for as long as it may where the payload says "watch", and does nothing otherwise.</summary>
[JobHandler(Name)]
public sealed class SiloTellHandler : IJobHandler<JsonElement, object?>
{
    public const string Name = "bench-tell";

    public async Task<object?> HandleAsync(JsonElement payload, JobContext context, CancellationToken cancellationToken)
    {
        if (!payload.TryGetProperty("watch", out _)) return null;
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        for (var n = 1; await timer.WaitForNextTickAsync(cancellationToken); n++) context.ReportProgress(n, 1_000_000, "still there");
        return null;
    }
}

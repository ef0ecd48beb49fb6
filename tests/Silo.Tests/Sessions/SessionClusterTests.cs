using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Gristmill.FaultHandlers;
using Gristmill.Silo.Tests.Faults.Support;
using Gristmill.Store;
using Gristmill.Store.Sessions;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Sessions;

/// <summary>Many sessions on several silos: order, limit, joint progress and ends, also when a silo is killed in the middle.</summary>
public sealed class SessionClusterTests
{
    private const string Finals = "finals";
    private const int Chunks = 20;

    private static int Sessions => FaultBench.Long ? 1000 : 200;

    [Fact]
    public async Task Chunks_pushed_in_any_order_give_each_sessions_results_in_order_though_a_silo_is_killed()
    {
        await using var bench = await FaultBench.StartAsync();
        var settings = new SiloSettings
        {
            Concurrency = 32,
            Engine = new Dictionary<string, string>(EngineUnderTest.Patient)
            {
                [Option("Order")] = "Sequence", [Option("Concurrency")] = "1", [Option("FinalQueue")] = Finals, [Option("GapSeconds")] = "600",
                [$"Gristmill__Queues__{FaultBench.Queue}__LostBudget"] = "10",
            },
        };
        var silos = new List<SiloProcess>();
        foreach (var name in (string[])["a", "b", "c"]) silos.Add(await bench.StartSiloAsync(settings with { Name = name }));
        var items = Enumerable.Range(0, Sessions * Chunks).Select(n => Chunk(n / Chunks, n % Chunks, bench.Random.Next(5, 20))).ToArray();
        bench.Random.Shuffle(items);
        using var over = new CancellationTokenSource();
        var watching = WatchAsync(bench, over.Token);

        await bench.PushAsync(items);
        await bench.OutcomesAsync(items.Length / 3);
        await silos[0].KillAsync();
        var killedAt = Stopwatch.GetTimestamp();
        await bench.StartSiloAsync(settings with { Name = "a" });
        var finals = bench.StoreOf(Finals);
        await FaultBench.UntilAsync($"{Sessions} finalising jobs", () => bench.CountAsync(finals), c => c.Queued >= Sessions);
        await over.CancelAsync();
        FaultBench.Say($"{await watching} looks at the progress of sessions.");

        foreach (var (_, payload) in await ResultsAsync(finals))
        {
            Assert.Equal("completed", payload.GetProperty("outcome").GetString());
            var results = payload.GetProperty("results").EnumerateArray().ToList();
            var session = payload.GetProperty("session_id").GetString();
            Assert.Equal(Enumerable.Range(0, Chunks).Select(n => $"{session}.{n}"), results.Select(r => r.GetProperty("result").GetProperty("k").GetString()));
            Assert.Equal(Enumerable.Range(0, Chunks).Select(n => (long)n), results.Select(r => r.GetProperty("order").GetInt64()));
        }

        AssertOneAtATimeInOrder(bench.Ledger.Read(), silos[0].Id, killedAt);
        Assert.Equal(Sessions, (await bench.CountAsync(finals)).Queued);
    }

    [Fact]
    public async Task A_number_that_does_not_come_is_given_up_and_found()
    {
        await using var bench = await FaultBench.StartAsync();
        var settings = new SiloSettings
        {
            Url = $"http://127.0.0.1:{Ports.Next()}",
            Engine = new Dictionary<string, string> { [Option("Order")] = "Sequence", [Option("GapSeconds")] = "0.2" },
        };
        using var http = new HttpClient { BaseAddress = new Uri(settings.Url) };
        var silo = await bench.StartSiloAsync(settings);
        await bench.PushAsync([Chunk(1, 3, 0), new FaultItem("lacks", FaultLoad.Json("""{"k":"lacks","session_id":"s1"}"""), JobState.Dead, "invalid_field")]);

        await bench.OutcomesAsync(2);
        Assert.Equal(["s1.3"], bench.Ledger.Read().Select(l => l.Key).Distinct());
        await silo.SaysAsync("session s1: 3 sequence numbers had not come within 0.2 s");
        await FaultBench.UntilAsync("the finding", () => http.GetStringAsync("/api/findings", TestContext.Current.CancellationToken), f => f.Contains("sequence_gap", StringComparison.Ordinal));
        var letter = Assert.Single((await bench.Store.ListAsync(JobState.Dead, null, 10, TestContext.Current.CancellationToken)).Jobs);
        Assert.Contains("The field 'sequence' is missing", letter.Header.Errors[^1].Message, StringComparison.Ordinal);
    }

    private static string Option(string name) => $"Gristmill__Queues__{FaultBench.Queue}__Sessions__{name}";

    private static FaultItem Chunk(int session, int number, int workMs) => new(
        $"s{session}.{number}",
        FaultLoad.Json($$"""{"k":"s{{session}}.{{number}}","session_id":"s{{session}}","sequence":{{number}},"session_total":{{Chunks}},"reports":3,"workMs":{{workMs}}}"""));

    // Looks at all sessions again and again: what was said of one is never taken back.
    private static async Task<int> WatchAsync(FaultBench bench, CancellationToken stop)
    {
        var last = new Dictionary<string, SessionView>();
        var looks = 0;
        while (!stop.IsCancellationRequested)
        {
            string? cursor = null;
            do
            {
                var page = await bench.Store.SessionsAsync(cursor, 100, CancellationToken.None);
                foreach (var view in page.Sessions)
                {
                    if (last.TryGetValue(view.Id, out var before))
                    {
                        Assert.True(view.Done >= before.Done && (view.Percent ?? 0) >= (before.Percent ?? 0), $"{view.Id} went back from {before.Done}, {before.Percent} % to {view.Done}, {view.Percent} %");
                    }

                    Assert.InRange(view.Active, 0, 1);
                    last[view.Id] = view;
                    looks++;
                }

                cursor = page.Cursor;
            }
            while (cursor is not null && !stop.IsCancellationRequested);
            await Task.Yield();
        }

        return looks;
    }

    private static async Task<List<(string Id, JsonElement Payload)>> ResultsAsync(QueueStore finals)
    {
        var all = new List<(string, JsonElement)>();
        string? cursor = null;
        do
        {
            var page = await finals.ListAsync(JobState.Queued, cursor, 100, TestContext.Current.CancellationToken);
            all.AddRange(page.Jobs.Select(j => (j.Id, JsonSerializer.Deserialize<JsonElement>(j.Payload.Span))));
            cursor = page.Cursor;
        }
        while (cursor is not null);
        Assert.Equal(Sessions, all.Select(f => f.Item2.GetProperty("session_id").GetString()).Distinct().Count());
        return all;
    }

    private static void AssertOneAtATimeInOrder(IReadOnlyList<LedgerLine> lines, int killed, long killedAt)
    {
        foreach (var session in lines.GroupBy(l => l.Key.Split('.')[0]))
        {
            var next = 0;
            LedgerLine? runs = null;
            foreach (var line in session)
            {
                if (runs?.ProcessId == killed && line.At > killedAt) runs = null;
                if (line.Mark != LedgerMark.Start)
                {
                    runs = null;
                    continue;
                }

                Assert.True(runs is null, $"{line.Key} starts while {runs?.Key} runs");
                var number = int.Parse(line.Key.Split('.')[1], CultureInfo.InvariantCulture);
                Assert.True(number == next || number == next - 1, $"{line.Key} starts where {next} is next");
                next = number + 1;
                runs = line;
            }

            Assert.Equal(Chunks, next);
        }
    }
}

using System.Diagnostics;
using Gristmill.FaultHandlers;
using Gristmill.Silo.Tests.Faults.Support;
using Gristmill.Store;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Faults;

/// <summary>SIGTERM, as every deployment sends it.</summary>
public sealed class ShutdownTests
{
    [Fact]
    public async Task Silo_told_to_end_in_a_backlog_ends_what_runs_and_leaves_the_rest()
    {
        await using var bench = await FaultBench.StartAsync();
        var items = FaultLoad.Mixed("j", FaultBench.Long ? 20_000 : 2_000, bench.Random);
        await bench.PushAsync(items);
        var first = await bench.StartSiloAsync();
        await bench.OutcomesAsync(items.Count / 10);
        var told = Stopwatch.StartNew();
        first.Terminate();
        await first.WaitForExitAsync();
        Assert.Equal(0, first.ExitCode);
        var stand = await Records.StandAsync(bench);
        FaultBench.Say($"Ended {told.Elapsed.TotalSeconds:0.0} s after SIGTERM at {stand}.");
        Assert.Equal(0, stand.Running);
        Assert.True(stand.Listed + stand.Waiting > 0, $"Something is left for the next; actual: {stand}");
        Assert.DoesNotContain(bench.Ledger.Read(), l => l.Mark == LedgerMark.Ended);

        await bench.StartSiloAsync(new SiloSettings { Name = "next" });
        await Records.SettledAsync(bench, items.Count);
        await Checker.HoldsAsync(bench, items);
    }

    [Fact]
    public async Task Silo_told_to_end_answers_while_its_jobs_end_and_is_not_ready()
    {
        await using var bench = await FaultBench.StartAsync();
        var gate = Path.Combine(bench.Folder, "gate");
        await bench.PushAsync([new FaultItem("held", FaultLoad.Json($$"""{"k":"held","gate":"{{gate}}"}"""))]);
        var port = Ports.Next();
        var silo = await bench.StartSiloAsync(new SiloSettings { Url = $"http://127.0.0.1:{port}" });
        await bench.Ledger.HasAsync("the job runs", l => l.Key == "held");
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        var id = (await bench.Store.ListAsync(JobState.Running, null, 1, TestContext.Current.CancellationToken)).Jobs[0].Id;
        using var events = await http.GetAsync($"/api/queues/{FaultBench.Queue}/jobs/{id}/events", HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        silo.Terminate();

        await FaultBench.UntilAsync("not ready, since it stops", () => http.GetStringOfAsync("/health/ready"), said => said.Contains("\"stopping\"", StringComparison.Ordinal));
        Assert.Contains("live", await http.GetStringOfAsync("/health/live"), StringComparison.Ordinal);
        Assert.Contains("\"running\":1", await http.GetStringOfAsync($"/api/queues/{FaultBench.Queue}"), StringComparison.Ordinal);
        await File.WriteAllTextAsync(gate, "open", TestContext.Current.CancellationToken);
        await silo.WaitForExitAsync();
        Assert.Equal(0, silo.ExitCode);
        Assert.Equal(1, (await bench.CountAsync()).Totals["completed"]);
        Assert.Contains("completed", await events.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Silo_told_to_end_does_not_wait_for_who_watches_a_job()
    {
        await using var bench = await FaultBench.StartAsync();
        var port = Ports.Next();
        var silo = await bench.StartSiloAsync(new SiloSettings { Url = $"http://127.0.0.1:{port}" });
        using var health = new SiloHealth($"http://127.0.0.1:{port}");
        await health.ReadyAsync();
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        using var created = await http.PostAsync($"/api/queues/{FaultBench.Queue}/jobs", new StringContent("""{"id":"late","payload":{"k":"late"},"runAt":"2200-01-01T00:00:00Z"}""", null, "application/json"), TestContext.Current.CancellationToken);
        using var events = await http.GetAsync($"/api/queues/{FaultBench.Queue}/jobs/late/events", HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        Assert.True(events.IsSuccessStatusCode, $"{events.StatusCode}");
        silo.Terminate();
        await silo.WaitForExitAsync();
        Assert.Equal(0, silo.ExitCode);
    }

    [Fact]
    public async Task Silo_told_to_end_while_a_job_does_not_listen_gives_it_back()
    {
        await using var bench = await FaultBench.StartAsync();
        var gate = Path.Combine(bench.Folder, "gate");
        var items = new List<FaultItem> { new("deaf", FaultLoad.Json($$"""{"k":"deaf","gate":"{{gate}}","deaf":true}""")) };
        items.AddRange(FaultLoad.Plain("j", 20, workMs: 50));
        await bench.PushAsync(items);
        var first = await bench.StartSiloAsync(new SiloSettings { Shutdown = 0.5, Concurrency = 2 });
        await bench.Ledger.HasAsync("the deaf job runs", l => l.Key == "deaf");
        first.Terminate();
        await first.WaitForExitAsync();
        Assert.Equal(0, first.ExitCode);
        await first.SaysAsync("did not end when told; it is given back");
        var deaf = Assert.Single(await Records.ReadAsync(bench.Store), j => Records.KeyOf(j.Payload) == "deaf");
        Assert.Equal((JobState.Queued, 0, 0), (deaf.State, deaf.Header.Attempts, deaf.Header.Lost));

        await File.WriteAllTextAsync(gate, "open", TestContext.Current.CancellationToken);
        await bench.StartSiloAsync(new SiloSettings { Name = "next" });
        await Records.SettledAsync(bench, items.Count);
        await Checker.HoldsAsync(bench, items, new Expectations { StoreForgot = true });
    }
}

/// <summary>What the API says, whatever its status.</summary>
internal static class HttpAnswers
{
    public static async Task<string> GetStringOfAsync(this HttpClient http, string path)
    {
        using var response = await http.GetAsync(path, TestContext.Current.CancellationToken);
        return await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }
}

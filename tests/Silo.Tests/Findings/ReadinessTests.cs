using System.Net;
using System.Text.Json;
using Gristmill.Client;
using Gristmill.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gristmill.Silo.Tests.Findings;

/// <summary>A real silo whose queue cannot be served: what readiness and findings say of it, and that it comes right by itself.</summary>
public sealed class ReadinessTests
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "gristmill.dll");
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Silo_whose_worker_does_not_start_is_unready_until_it_does()
    {
        await using var server = await Stores.StartAsync(StoreKind.Redis);
        using var folder = new TempFolder();
        var url = $"http://127.0.0.1:{Ports.Next()}";
        var script = folder.File("worker.sh");
        var environment = new Dictionary<string, string>
        {
            ["REDIS_URL"] = server.Url, ["Gristmill__Url"] = url, ["Gristmill__Queues__asr__List"] = "asr_list", ["Gristmill__Queues__asr__Worker__Command"] = $"sh '{script}'",
        };
        await using var silo = await ChildProcess.StartAsync("dotnet", [Program, "silo"], folder.Path, environment);
        using var http = new HttpClient { BaseAddress = new Uri(url) };
        var (status, ready) = await AskAsync(http, "/health/ready", a => a.Body.Contains("queue_not_served", StringComparison.Ordinal));
        var finding = JsonDocument.Parse(ready).RootElement.GetProperty("findings")[0];
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "asr"), (status, finding.GetProperty("queue").GetString()));
        Assert.Contains("exit status", finding.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Contains("queue_not_served", (await AskAsync(http, "/api/findings", _ => true)).Body, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(http, "/health/live", _ => true)).Status);

        await File.WriteAllTextAsync(script + ".new", ShellWorker.Program, TestContext.Current.CancellationToken);
        File.Move(script + ".new", script);
        await AskAsync(http, "/health/ready", a => a.Status == HttpStatusCode.OK);
        await using var client = GristmillClient.Connect(new GristmillClientOptions { Redis = server.Url }, NullLoggerFactory.Instance);
        var job = await client.Queue("asr").EnqueueRawAsync("{}"u8.ToArray(), cancellationToken: TestContext.Current.CancellationToken);
        Assert.Null((await client.Queue("asr").WaitAsync(job.Id, TestContext.Current.CancellationToken)).Reason);
    }

    private static Task<(HttpStatusCode Status, string Body)> AskAsync(HttpClient http, string path, Func<(HttpStatusCode Status, string Body), bool> matches) =>
        Eventually.MatchesAsync(
            $"{path} as expected",
            async () =>
            {
                using var response = await http.GetAsync(path, TestContext.Current.CancellationToken);
                return (response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
            },
            matches, Limit, TestContext.Current.CancellationToken);
}

using System.Net;
using System.Text;

namespace Gristmill.Silo.Tests.Hosting;

/// <summary>A real silo with TLS and keys: it serves by Kestrel's own settings, and nothing secret comes out of it.</summary>
public sealed class SiloOnNetworkTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Silo_with_a_certificate_serves_https_and_shows_no_secret_anywhere()
    {
        await using var silo = await SiloOnNetwork.StartAsync("https");
        Assert.Equal(HttpStatusCode.Unauthorized, (await AskAsync(silo, HttpMethod.Get, "/api/queues", null)).Status);
        var answers = new StringBuilder();
        foreach (var (method, path) in new[]
        {
            (HttpMethod.Get, "/api/queues"), (HttpMethod.Get, "/api/findings"), (HttpMethod.Get, "/api/silos"), (HttpMethod.Get, "/metrics"), (HttpMethod.Get, "/health/ready"), (HttpMethod.Get, "/openapi/v1.json"),
            (HttpMethod.Post, "/api/queues/asr/pause"), (HttpMethod.Delete, "/api/queues/asr/dead-letters"), (HttpMethod.Get, "/api/queues/nobody"), (HttpMethod.Get, "/nothing"), (HttpMethod.Patch, "/api/queues"),
        })
        {
            answers.AppendLine((await AskAsync(silo, method, path, silo.Key)).Body);
        }

        answers.AppendLine((await AskAsync(silo, HttpMethod.Get, "/api/queues", silo.Key[..^1])).Body);
        var commandLine = await File.ReadAllTextAsync($"/proc/{silo.Id}/cmdline", Stop);
        Assert.Contains("chief (Admin) called POST", silo.Output, StringComparison.Ordinal);
        Assert.Contains("https://127.0.0.1", silo.Output, StringComparison.Ordinal);
        foreach (var text in new[] { silo.Output, answers.ToString(), commandLine })
        {
            Assert.DoesNotContain(silo.Key[..^1], text, StringComparison.Ordinal);
            Assert.DoesNotContain(SiloOnNetwork.RedisPassword, text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Silo_listens_at_the_endpoints_of_Kestrels_own_configuration()
    {
        await using var silo = await SiloOnNetwork.StartAsync("http", new() { ["endpoint"] = "Inner" });
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(silo, HttpMethod.Get, "/api/queues", silo.Key)).Status);
        Assert.Contains($"HTTP API: {silo.Url}, for 1 key", silo.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("warn: Microsoft", silo.Output, StringComparison.Ordinal);
    }

    private static async Task<(HttpStatusCode Status, string Body)> AskAsync(SiloOnNetwork silo, HttpMethod method, string path, string? key)
    {
        using var request = new HttpRequestMessage(method, path);
        if (key is not null) request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {key}");
        using var response = await silo.Http.SendAsync(request, Stop);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(Stop));
    }
}

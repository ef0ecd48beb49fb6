using System.Net;
using System.Text.Json;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Faults.Support;

/// <summary>What a silo says of itself at /health/ready.</summary>
internal sealed class SiloHealth(string url) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = new Uri(url), Timeout = TimeSpan.FromSeconds(20) };

    /// <summary>Waits until it is ready.</summary>
    public Task ReadyAsync() => UntilAsync("it is ready", a => a.Status == HttpStatusCode.OK);

    /// <summary>Waits until it is not ready for this reason.</summary>
    /// <returns>The finding's message.</returns>
    public async Task<string> UnreadyAsync(string code)
    {
        var answer = await UntilAsync($"it is not ready: {code}", a => a.Status == HttpStatusCode.ServiceUnavailable && a.Findings.ContainsKey(code));
        return answer.Findings[code];
    }

    /// <summary>What it answers now.</summary>
    public async Task<SiloReadiness> AskAsync()
    {
        using var response = await _http.GetAsync("/health/ready", TestContext.Current.CancellationToken);
        using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        var findings = body.RootElement.GetProperty("findings").EnumerateArray().ToList();
        return new SiloReadiness(response.StatusCode, findings.ToDictionary(f => f.GetProperty("code").GetString()!, f => f.GetProperty("message").GetString()!));
    }

    public void Dispose() => _http.Dispose();

    private Task<SiloReadiness> UntilAsync(string expected, Func<SiloReadiness, bool> matches) =>
        Eventually.MatchesAsync(expected, AskAsync, matches, FaultBench.Patience, TestContext.Current.CancellationToken);
}

/// <summary>The status of the answer, and its findings: code to message.</summary>
internal sealed record SiloReadiness(HttpStatusCode Status, IReadOnlyDictionary<string, string> Findings)
{
    public override string ToString() => $"{Status}: {string.Join(", ", Findings.Select(f => $"{f.Key} ({f.Value})"))}";
}

using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gristmill.Testing;

/// <summary>
/// Chromium without a window, driven by the WebDriver protocol (https://www.w3.org/TR/webdriver2/): what a person would do on a
/// page and see there. Each step waits until the page allows it.
/// </summary>
public sealed class Browser : IAsyncDisposable
{
    private const string Element = "element-6066-11e4-a52e-4f735466cecf";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly string[] Arguments = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1200,1600"];
    private readonly ChildProcess _driver;
    private readonly TempFolder _folder;
    private readonly HttpClient _http;
    private string _session = "";

    private Browser(ChildProcess driver, TempFolder folder, int port)
    {
        (_driver, _folder) = (driver, folder);
        _http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}/"), Timeout = Limit };
    }

    /// <summary>Starts one, with nothing of another in it.</summary>
    public static async Task<Browser> StartAsync(CancellationToken cancellationToken)
    {
        Tools.Require(Tools.Chromium);
        Tools.Require(Tools.ChromeDriver);
        var (port, folder) = (Ports.Next(), new TempFolder());
        var driver = await ChildProcess.StartAsync(Tools.ChromeDriver.Program, [$"--port={port}"], environment: new Dictionary<string, string> { ["TMPDIR"] = folder.Path });
        var browser = new Browser(driver, folder, port);
        await Eventually.TrueAsync("the driver answers", async () => (await browser._http.GetAsync("status", cancellationToken)).IsSuccessStatusCode, Limit, cancellationToken);
        var wish = new JsonObject
        {
            ["goog:chromeOptions"] = new JsonObject { ["args"] = new JsonArray([.. Arguments.Select(a => (JsonNode)a)]) },
            ["goog:loggingPrefs"] = new JsonObject { ["browser"] = "ALL" },
        };
        var made = await browser.PostAsync("session", new JsonObject { ["capabilities"] = new JsonObject { ["alwaysMatch"] = wish } }, cancellationToken);
        browser._session = $"session/{made.GetProperty("sessionId").GetString()}/";
        return browser;
    }

    /// <summary>Goes to an address.</summary>
    public Task OpenAsync(string url, CancellationToken cancellationToken) => PostAsync(_session + "url", new JsonObject { ["url"] = url }, cancellationToken);

    /// <summary>Clicks on the first that a selector of CSS finds, once it can be clicked on.</summary>
    public Task ClickAsync(string selector, CancellationToken cancellationToken) => OnAsync(selector, "click", [], cancellationToken);

    /// <summary>Types into the first that a selector finds.</summary>
    public Task TypeAsync(string selector, string text, CancellationToken cancellationToken) => OnAsync(selector, "value", new JsonObject { ["text"] = text }, cancellationToken);

    /// <summary>Waits until the first that a selector finds shows a text.</summary>
    public Task ShowsAsync(string selector, string text, CancellationToken cancellationToken) => Eventually.MatchesAsync(
        $"{selector} shows '{text}'", () => AskAsync($"return document.querySelector({JsonSerializer.Serialize(selector)})?.innerText ?? ''", cancellationToken),
        shown => shown.GetString()!.Contains(text, StringComparison.Ordinal), Limit, cancellationToken);

    /// <summary>What a script returns.</summary>
    public Task<JsonElement> AskAsync(string script, CancellationToken cancellationToken) =>
        PostAsync(_session + "execute/sync", new JsonObject { ["script"] = script, ["args"] = new JsonArray() }, cancellationToken);

    /// <summary>The errors in the console since the last look: scripts that failed, what the page's policy refused, calls that failed.</summary>
    public async Task<IReadOnlyList<string>> ErrorsAsync(CancellationToken cancellationToken)
    {
        var lines = await PostAsync(_session + "se/log", new JsonObject { ["type"] = "browser" }, cancellationToken);
        return [.. lines.EnumerateArray().Where(l => l.GetProperty("level").GetString() == "SEVERE").Select(l => l.GetProperty("message").GetString()!)];
    }

    public async ValueTask DisposeAsync()
    {
        // The driver ends its browser with the session.
        if (_session.Length > 0) await _http.DeleteAsync(_session.TrimEnd('/'));
        _http.Dispose();
        await _driver.DisposeAsync();
        _folder.Dispose();
    }

    private Task OnAsync(string selector, string act, JsonObject body, CancellationToken cancellationToken) => Eventually.TrueAsync(
        $"{act} on {selector}",
        async () =>
        {
            var found = await PostAsync(_session + "element", new JsonObject { ["using"] = "css selector", ["value"] = selector }, cancellationToken);
            await PostAsync($"{_session}element/{found.GetProperty(Element).GetString()}/{act}", body, cancellationToken);
            return true;
        },
        Limit, cancellationToken);

    private async Task<JsonElement> PostAsync(string path, JsonObject body, CancellationToken cancellationToken)
    {
        // The driver takes no chunks.
        using var content = new StringContent(body.ToJsonString(), System.Text.Encoding.UTF8, "application/json");
        using var response = await _http.PostAsync(path, content, cancellationToken);
        var value = (await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken)).GetProperty("value");
        return response.IsSuccessStatusCode ? value : throw new InvalidOperationException($"{path}: {value.GetProperty("error")}: {value.GetProperty("message")}");
    }
}

using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Samples;

/// <summary>samples/aspnet-api: a real silo with its worker, the real API as a process, and real calls.</summary>
public sealed class AspNetApiTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Upload_is_followed_to_its_result_and_a_file_that_is_no_text_tells_why()
    {
        Tools.Require(Tools.Python);
        Tools.Require(Tools.Curl);
        await using var sample = await SampleSilo.CreateAsync("aspnet-api", "FILES");
        var url = $"http://127.0.0.1:{Ports.Next()}";
        await using var api = await sample.StartShellAsync($"exec dotnet {Path.Combine(AppContext.BaseDirectory, "Gristmill.AspNetApi.dll")} --urls {url}");
        using var http = new HttpClient { BaseAddress = new Uri(url), Timeout = Faults.Support.FaultBench.Patience };
        await Eventually.EqualAsync("Degraded", () => http.GetStringAsync("/health", Stop), Faults.Support.FaultBench.Patience, Stop);

        // Enough work for several reports. Without any silo the API takes files, and their jobs wait.
        var text = string.Concat(Enumerable.Repeat("the mill and the stone\n", 300_000));
        var (status, taken) = await UploadAsync(http, System.Text.Encoding.UTF8.GetBytes(text));
        Assert.Equal((HttpStatusCode.Accepted, "queued"), (status, taken.GetProperty("state").GetString()));
        var id = taken.GetProperty("id").GetString();
        var following = http.GetStringAsync($"/documents/{id}/events", Stop);
        await sample.StartAsync();
        var events = await following;

        Assert.StartsWith($"event: state\ndata: {{\"id\":\"{id}\",\"state\":\"queued\"}}\n\n", events, StringComparison.Ordinal);
        Assert.Contains("event: progress\n", events, StringComparison.Ordinal);
        Assert.EndsWith($"event: state\ndata: {{\"id\":\"{id}\",\"state\":\"completed\",\"percent\":100,\"result\":{{\"words\":1500000,\"top\":[{{\"word\":\"the\",\"count\":600000}},{{\"word\":\"mill\",\"count\":300000}},{{\"word\":\"and\",\"count\":300000}}]}}}}\n\n", events, StringComparison.Ordinal);
        Assert.Equal("Healthy", await http.GetStringAsync("/health", Stop));

        // The same upload again is the same job; the README's caller, as it stands.
        Assert.Equal("completed", (await UploadAsync(http, System.Text.Encoding.UTF8.GetBytes(text))).Body.GetProperty("state").GetString());
        var said = await sample.ShellAsync(sample.Block("a caller").Replace("http://127.0.0.1:5080", url, StringComparison.Ordinal).Replace("notes.txt", "$FILES/notes.txt", StringComparison.Ordinal));
        Assert.Contains("\"words\":5,\"top\":[{\"word\":\"the\",\"count\":2}", said.Split('\n')[^1], StringComparison.Ordinal);

        var (_, noise) = await UploadAsync(http, [0xff, 0xfe, 0x00]);
        var told = await http.GetStringAsync($"/documents/{noise.GetProperty("id").GetString()}/events", Stop);
        Assert.Matches("\"state\":\"dead\",\"error\":\".* is no text in UTF-8", told);
        Assert.Equal(HttpStatusCode.BadRequest, (await UploadAsync(http, [])).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync("/documents/nobody/events", Stop)).StatusCode);
        Assert.Equal("completed", JsonDocument.Parse(await (await http.DeleteAsync($"/documents/{id}", Stop)).Content.ReadAsStringAsync(Stop)).RootElement.GetProperty("state").GetString());
    }

    private static async Task<(HttpStatusCode Status, JsonElement Body)> UploadAsync(HttpClient http, byte[] content)
    {
        using var form = new MultipartFormDataContent { { new ByteArrayContent(content), "file", "notes.txt" } };
        using var answer = await http.PostAsync("/documents", form, Stop);
        return (answer.StatusCode, await answer.Content.ReadFromJsonAsync<JsonElement>(Stop));
    }
}

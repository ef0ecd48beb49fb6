using System.Buffers;
using System.Net;
using System.Text;
using System.Text.Json;
using Gristmill.Client;
using Gristmill.Redis;
using Gristmill.Silo.Http;
using Gristmill.Silo.Tests.Commands;
using Gristmill.Store;
using Gristmill.Store.Sessions;
using Gristmill.Testing;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Gristmill.Silo.Tests.Http;

/// <summary>Results and payloads that are valid JSON and still break who writes them carelessly: nested deep, or with half a surrogate pair.</summary>
public sealed class StrangeResultTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private const int Levels = 255;
    private static readonly string Result = $$"""{"half\ud800":"a\udc00\n","deep":{{new string('[', Levels)}}{{new string(']', Levels)}}}""";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/api/queues/asr/jobs/j")]
    [InlineData("/api/queues/asr/jobs")]
    [InlineData("/api/queues/asr/jobs/j/events")]
    [InlineData("/api/sessions/asr/s/jobs")]
    public async Task Result_that_is_deep_and_no_Unicode_is_a_value_of_the_api(string path)
    {
        await using var api = await StartAsync();
        using var response = await api.Http.GetAsync(path, Stop);
        var body = await response.Content.ReadAsStringAsync(Stop);
        Assert.True(response.StatusCode == HttpStatusCode.OK, body);
        AssertResult(Parse(path.EndsWith("events", StringComparison.Ordinal) ? body.Split("data: ")[1].Split('\n')[0] : body));
    }

    [Theory]
    [InlineData("job show asr j --json")]
    [InlineData("job list asr --json")]
    [InlineData("job watch asr j --json")]
    [InlineData("sessions show asr s --json")]
    public async Task Result_that_is_deep_and_no_Unicode_is_a_value_of_the_commands(string line)
    {
        await using var api = await StartAsync();
        await using var direct = await CommandFixture.CreateAsync(stores);
        direct.Variables["Gristmill__Service"] = api.Service;
        await using var remote = direct.ByApi(api.Http.BaseAddress!.ToString());
        foreach (var cli in new[] { direct, remote }) AssertResult(Parse((await cli.RunAsync(line.Split(' '))).Expect(0).Out));
    }

    [Theory]
    [InlineData("job show asr j")]
    [InlineData("sessions show asr s")]
    public async Task Result_that_is_deep_and_no_Unicode_is_shown_to_people(string line)
    {
        await using var api = await StartAsync();
        await using var cli = await CommandFixture.CreateAsync(stores);
        cli.Variables["Gristmill__Service"] = api.Service;
        Assert.Contains("half\uFFFD", (await cli.RunAsync(line.Split(' '))).Expect(0).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dead_letter_whose_payload_is_no_Unicode_is_shown()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var silo = await api.SiloAsync();
        var id = await api.EnqueueAsync("""{"payload":{"\ud800":"x\udc00"},"id":"letter"}""");
        await silo.BuryAllAsync();
        await using var direct = await CommandFixture.CreateAsync(stores);
        direct.Variables["Gristmill__Service"] = api.Service;
        await using var remote = direct.ByApi(api.Http.BaseAddress!.ToString());
        string[] texts =
        [
            await api.Http.GetStringAsync("/api/queues/asr/dead-letters", Stop), await api.Http.GetStringAsync($"/api/queues/asr/dead-letters/{id}", Stop),
            (await direct.RunAsync("dead-letters", "list", "asr", "--json")).Expect(0).Out, (await remote.RunAsync("dead-letters", "list", "asr", "--json")).Expect(0).Out,
            (await direct.RunAsync("dead-letters", "show", "asr", id, "--json")).Expect(0).Out,
        ];
        foreach (var text in texts)
        {
            var letter = Parse(text);
            if (letter.TryGetProperty("deadLetters", out var letters)) letter = Assert.Single(letters.EnumerateArray());
            Assert.Equal("x\uFFFD", letter.GetProperty("payload").GetProperty("\uFFFD").GetString());
        }

        Assert.Contains("x\uFFFD", (await direct.RunAsync("dead-letters", "show", "asr", id)).Expect(0).Out, StringComparison.Ordinal);
        Assert.Equal("""{"\ud800":"x\udc00"}""", Encoding.UTF8.GetString((await silo.Store.GetAsync(id, Stop))!.Payload.Span));
    }

    [Fact]
    public void Result_whose_bytes_are_no_text_is_a_string_and_one_beyond_the_bound_too()
    {
        Assert.Equal("\"\uFFFD\"", JobMapper.Json(new byte[] { (byte)'"', 0xFF, (byte)'"' })!.Value.GetString());
        Assert.Equal(JsonValueKind.String, JobMapper.Json(Encoding.UTF8.GetBytes(new string('[', JobRecord.MaxResultDepth + 1) + new string(']', JobRecord.MaxResultDepth + 1)))!.Value.ValueKind);
    }

    [Fact]
    public async Task Fault_of_what_is_stored_is_not_the_callers()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var silo = await api.SiloAsync();
        await api.EnqueueAsync("""{"payload":{},"id":"j"}""");
        var seq = await silo.StartOneAsync();
        await silo.ProgressAsync(seq, 1, 2);
        await api.Redis.ExecuteAsync(new RedisCommand("HSET", new RedisKeys(api.Service, 0, "asr").Of("progress"), $"{seq}", "{"), Stop);
        var (status, problem) = await api.GetAsync("/api/queues/asr/jobs/j");
        Assert.Equal((HttpStatusCode.InternalServerError, "urn:gristmill:internal"), (status, problem.GetProperty("type").GetString()));
    }

    [Fact]
    public async Task Answer_that_fails_after_it_began_gets_nothing_appended()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var pipeline = api.Services.GetServices<IStartupFilter>().OfType<ApiPipeline>().Single();
        var body = new MemoryStream();
        var context = new DefaultHttpContext { RequestServices = api.Services, Response = { Body = body } };
        await pipeline.CatchAsync(context, async c =>
        {
            c.Response.BodyWriter.Write("{\"half\":"u8);
            await Task.Yield();
            throw new InvalidOperationException("on the way");
        });
        await context.Response.BodyWriter.FlushAsync(Stop);
        Assert.DoesNotContain("problem", Encoding.UTF8.GetString(body.ToArray()) + context.Response.ContentType, StringComparison.Ordinal);
        Assert.DoesNotContain("urn:", Encoding.UTF8.GetString(body.ToArray()), StringComparison.Ordinal);
    }

    private static void AssertResult(JsonElement answer)
    {
        if (answer.TryGetProperty("jobs", out var jobs)) answer = Assert.Single(jobs.EnumerateArray());
        if (answer.TryGetProperty("job", out var job)) answer = job;
        var result = answer.GetProperty("result");
        Assert.Equal("a\uFFFD\n", result.GetProperty("half\uFFFD").GetString());
        var (levels, deep) = (1, result.GetProperty("deep"));
        for (; deep.GetArrayLength() > 0; levels++) deep = deep[0];
        Assert.Equal(Levels, levels);
    }

    private static JsonElement Parse(string text) => JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 512 }).RootElement;

    private async Task<ApiFixture> StartAsync()
    {
        var api = await ApiFixture.StartAsync(stores, q => q.Sessions = new());
        var silo = await api.SiloAsync();
        await silo.PolicyAsync(new SessionPolicy());
        await api.EnqueueAsync("""{"payload":{},"id":"j","sessionId":"s"}""");
        await silo.CompleteAsync(await silo.StartOneAsync(), Result);
        return api;
    }
}

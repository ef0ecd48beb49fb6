using System.Net;
using Gristmill.Silo.Tests.Http;
using Gristmill.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Gristmill.Silo.Tests.Commands;

/// <summary>How commands find the HTTP API and its access key, and what they say of other answers.</summary>
public sealed class ApiAddressTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("queues --api http://127.0.0.1:1 --redis redis://127.0.0.1:1", "--api and --redis are both given")]
    [InlineData("queues --api http://127.0.0.1:1 --service other", "--service goes with a Redis")]
    [InlineData("queues --api localhost:8080", "The address in --api is none of an HTTP API.")]
    [InlineData("queues --api http://me:open-sesame@127.0.0.1:1", "has a user or password")]
    [InlineData("queues --api http://127.0.0.1:1/?key=open-sesame", "has a query or fragment")]
    [InlineData("queues --api-key open-sesame", "An access key goes with --api")]
    [InlineData("queues --api http://127.0.0.1:1 --api-key a --api-key-file b", "--api-key and --api-key-file are both given")]
    [InlineData("queues --api http://127.0.0.1:1 --api-key-file nowhere", "The access key cannot be read")]
    [InlineData("queues --api http://127.0.0.1:1 --api-key open-sesäme", "The access key in --api-key is none")]
    [InlineData("completion bash --api http://127.0.0.1:1", "Unrecognized command or argument '--api'")]
    public async Task Address_that_cannot_be_meant_is_2_and_says_why(string line, string said)
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        var result = (await cli.RunAsync(line.Split(' '))).Expect(2);
        Assert.Contains(said, result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("sesame", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Variable_names_the_api_unless_a_flag_names_a_Redis()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        await using var cli = await CommandFixture.CreateAsync(stores);
        await using var remote = cli.ByApi(api.Http.BaseAddress!.ToString());
        Assert.Equal("asr", (await remote.RunAsync("queues", "--json")).Expect(0).Json.GetProperty("queues")[0].GetProperty("name").GetString());
        Assert.Equal(0, (await remote.RunAsync("queues", "--json", "--redis", cli.Variables["REDIS_URL"])).Expect(0).Json.GetProperty("queues").GetArrayLength());
    }

    [Theory]
    [InlineData("variable")]
    [InlineData("file")]
    [InlineData("flag")]
    public async Task Key_is_sent_as_a_bearer_token(string way)
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        await using var server = await AnswersAsync(context =>
            context.Request.Headers.Authorization == "Bearer open-sesame" ? context.Response.WriteAsJsonAsync(new { service = "s", queues = Array.Empty<int>() }) : Refuse(context));
        await using var remote = cli.ByApi(server.Urls.Single());
        await File.WriteAllTextAsync(Path.Combine(remote.Folder, "key"), "open-sesame\n", Stop);
        if (way == "variable") remote.Variables["GRISTMILL_API_KEY"] = "open-sesame";
        string[] more = way switch { "file" => ["--api-key-file", "key"], "flag" => ["--api-key", "open-sesame"], _ => [] };
        Assert.Contains("No queue yet", (await remote.RunAsync(["queues", .. more])).Expect(0).Out, StringComparison.Ordinal);
        remote.Variables.Remove("GRISTMILL_API_KEY");
        var refused = (await remote.RunAsync("queues")).Expect(1);
        Assert.Equal("error: This call needs an access key.\n       Give an access key: in GRISTMILL_API_KEY, or --api-key-file FILE.\n", refused.Error);
    }

    [Theory]
    [InlineData(200, "text/html", "<html>", "answered 200 (text/html), which is no answer of Gristmill's API.")]
    [InlineData(502, "text/html", "<html>", "answered 502 (text/html), which is no answer of Gristmill's API.")]
    [InlineData(302, "text/plain", "", "answered 302 (text/plain), which is no answer of Gristmill's API.")]
    [InlineData(200, "application/json", "{\"queues\":7}", "gave an answer that cannot be read")]
    [InlineData(503, "application/problem+json", "{\"type\":\"urn:gristmill:redis_unavailable\",\"detail\":\"Redis is away.\"}", "error: Redis is away.\n       The silo at http")]
    public async Task Other_answers_are_said_as_what_they_are(int status, string type, string body, string said)
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        await using var server = await AnswersAsync(context =>
        {
            (context.Response.StatusCode, context.Response.ContentType) = (status, type);
            return context.Response.WriteAsync(body, Stop);
        });
        await using var remote = cli.ByApi(server.Urls.Single());
        Assert.Contains(said, (await remote.RunAsync("queues")).Expect(1).Error, StringComparison.Ordinal);
    }

    /// <summary>A server that is no silo.</summary>
    internal static async Task<WebApplication> AnswersAsync(RequestDelegate answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.Run(answer);
        await app.StartAsync(Stop);
        return app;
    }

    private static Task Refuse(HttpContext context)
    {
        (context.Response.StatusCode, context.Response.ContentType) = ((int)HttpStatusCode.Unauthorized, "application/problem+json");
        return context.Response.WriteAsync("""{"type":"urn:gristmill:no_key","title":"No key.","detail":"This call needs an access key."}""", Stop);
    }
}

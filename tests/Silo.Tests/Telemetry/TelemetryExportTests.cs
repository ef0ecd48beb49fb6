using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using Gristmill.Silo.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Gristmill.Silo.Tests.Telemetry;

/// <summary>A host with the exporters, and another one that stands for a collector.</summary>
public sealed class TelemetryExportTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Stop_sends_what_is_left_to_the_collector()
    {
        var received = new ConcurrentDictionary<string, int>();
        await using var collector = await StartAsync(app => app.MapPost("/v1/{signal}", async (string signal, HttpRequest request) =>
        {
            using var body = new MemoryStream();
            await request.Body.CopyToAsync(body, Cancelled);
            received.AddOrUpdate(signal, (int)body.Length, (_, sum) => sum + (int)body.Length);
        }));
        await using (var silo = await StartAsync(_ => { }, new()
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = AddressOf(collector), ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        }))
        {
            using var source = new ActivitySource("Gristmill");
            source.StartActivity("process asr", ActivityKind.Consumer)!.Dispose();
            silo.Services.GetRequiredService<ILoggerFactory>().CreateLogger("test").LogWarning("hello");
            await silo.StopAsync(Cancelled);
        }

        Assert.Equal(["logs", "metrics", "traces"], received.Where(r => r.Value > 0).Select(r => r.Key).Order());
    }

    [Fact]
    public async Task Metrics_page_is_served_in_the_text_format()
    {
        await using var silo = await StartAsync(app => app.MapGristmillMetrics());
        using var http = new HttpClient();
        using var reply = await http.GetAsync($"{AddressOf(silo)}/metrics", Cancelled);
        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", reply.Content.Headers.ContentType!.ToString());
        Assert.Contains("# TYPE dotnet_process_memory_working_set_bytes gauge", await reply.Content.ReadAsStringAsync(Cancelled), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_an_endpoint_nothing_is_exported()
    {
        await using var silo = await StartAsync(_ => { });
        using var source = new ActivitySource("Gristmill");
        Assert.Null(source.StartActivity("process asr"));
    }

    private static string AddressOf(WebApplication app) =>
        app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    private static async Task<WebApplication> StartAsync(Action<WebApplication> map, Dictionary<string, string?>? settings = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(settings ?? []);
        builder.Configuration["urls"] = "http://127.0.0.1:0";
        builder.AddGristmillTelemetry("silo-1");
        var app = builder.Build();
        map(app);
        await app.StartAsync(Cancelled);
        return app;
    }
}

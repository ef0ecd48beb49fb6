using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Gristmill.Grains.Options;
using Gristmill.Redis;
using Gristmill.Silo.Findings;
using Gristmill.Silo.Http;
using Gristmill.Silo.Tests.Client;
using Gristmill.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gristmill.Silo.Tests.Http;

/// <summary>The API on a real Kestrel and a real Redis; the queue "asr" is configured on it, with the list "asr_chunks".</summary>
internal sealed class ApiFixture : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ApiFixture(WebApplication app, string service, IRedisClient redis, FindingsInHand findings, HostLog log)
    {
        _app = app;
        Service = service;
        Redis = redis;
        Findings = findings;
        Log = log;
        Contract = new ApiContract { Address = new Uri(app.Urls.Single()) };
        Http = new HttpClient(Contract) { BaseAddress = Contract.Address, Timeout = TimeSpan.FromSeconds(60) };
    }

    public string Service { get; }

    public IRedisClient Redis { get; }

    public HttpClient Http { get; }

    public FindingsInHand Findings { get; }

    /// <summary>Holds every answer against the document.</summary>
    public ApiContract Contract { get; }

    /// <summary>What the host says, where it was asked to keep it.</summary>
    public HostLog Log { get; }

    public IServiceProvider Services => _app.Services;

    public string List => $"asr_chunks:{Service}";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public static async Task<ApiFixture> StartAsync(SharedStores stores, Action<QueueOptions>? queue = null, TimeProvider? clock = null, Action<GristmillOptions>? silo = null, string? environment = null) =>
        await StartAsync((await stores.GetAsync(StoreKind.Redis)).Url, queue, clock, silo: silo, environment: environment);

    public static async Task<ApiFixture> StartAsync(string url, Action<QueueOptions>? queue = null, TimeProvider? clock = null, TimeSpan? commandTimeout = null, Action<GristmillOptions>? silo = null, string? environment = null)
    {
        var service = $"t{Guid.NewGuid():N}";
        var address = RedisOptions.Parse(url);
        if (commandTimeout is { } limit) address.CommandTimeout = limit;
        var redis = RedisClient.Connect(address, NullLoggerFactory.Instance);
        var findings = new FindingsInHand();
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = environment });
        var log = new HostLog();
        builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Debug).AddFilter("Microsoft", LogLevel.Warning).AddProvider(log);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddSingleton(redis);
        builder.Services.AddSingleton<IFindingsSource>(findings);
        if (clock is not null) builder.Services.AddSingleton(clock);
        builder.Services.Configure<GristmillOptions>(o =>
        {
            o.Service = service;
            o.Queues["asr"] = new QueueOptions { List = $"asr_chunks:{service}", Handler = "none" };
            queue?.Invoke(o.Queues["asr"]);
            silo?.Invoke(o);
        });
        builder.Services.AddGristmillApi();
        var app = builder.Build();
        app.UseGristmillApi();
        await app.StartAsync(Stop);
        return new ApiFixture(app, service, redis, findings, log);
    }

    public async Task<HandSilo> SiloAsync(string queue = "asr")
    {
        var silo = new HandSilo(Redis, Service, queue);
        await silo.JoinAsync();
        return silo;
    }

    public Task<(HttpStatusCode Status, JsonElement Body)> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    public Task<(HttpStatusCode Status, JsonElement Body)> DeleteAsync(string path) => SendAsync(HttpMethod.Delete, path);

    public Task<(HttpStatusCode Status, JsonElement Body)> PostAsync(string path, string? json = null) =>
        SendAsync(HttpMethod.Post, path, json is null ? null : new StringContent(json, Encoding.UTF8, "application/json"));

    public async Task<(HttpStatusCode Status, JsonElement Body)> SendAsync(HttpMethod method, string path, HttpContent? content = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        using var response = await Http.SendAsync(request, Stop);
        var isJson = response.Content.Headers.ContentType?.MediaType?.EndsWith("json", StringComparison.Ordinal) == true;
        return (response.StatusCode, isJson ? await response.Content.ReadFromJsonAsync<JsonElement>(Stop) : default);
    }

    /// <summary>Enqueues a job and gives its id.</summary>
    public async Task<string> EnqueueAsync(string job = """{"payload":{"chunk":1}}""")
    {
        var (status, body) = await PostAsync("/api/queues/asr/jobs", job);
        Assert.Equal(HttpStatusCode.Accepted, status);
        return body.GetProperty("id").GetString()!;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
        await Redis.DisposeAsync();
    }
}

/// <summary>Keeps what a host says.</summary>
internal sealed class HostLog : ILoggerProvider
{
    private readonly ConcurrentQueue<(string Category, string Line)> _lines = new();

    public IEnumerable<string> Of(string category) => _lines.Where(l => l.Category == category).Select(l => l.Line);

    public string All => string.Join('\n', _lines.Select(l => $"{l.Category}: {l.Line}"));

    public ILogger CreateLogger(string categoryName) => new Keeper(this, categoryName);

    public void Dispose()
    {
    }

    private sealed class Keeper(HostLog log, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            log._lines.Enqueue((category, $"{logLevel} {eventId.Id} {formatter(state, exception)} {exception}"));
    }
}

/// <summary>Findings that a test sets.</summary>
internal sealed class FindingsInHand : IFindingsSource
{
    private IReadOnlyList<Finding> _current = [];

    /// <summary>What looking fails with; null for nothing.</summary>
    public Exception? Failure { get; set; }

    public IReadOnlyList<Finding> Current
    {
        get => Failure is null ? _current : throw Failure;
        set => _current = value;
    }
}

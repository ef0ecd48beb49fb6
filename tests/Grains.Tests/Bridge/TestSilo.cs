using System.Text;
using Gristmill.Grains.Handlers;
using Gristmill.Grains.Options;
using Gristmill.Grains.Silo;
using Gristmill.Redis;
using Gristmill.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Tests.Bridge;

/// <summary>A whole silo in this process, with the handler that does as told. Calls between its grains take their wire form.</summary>
internal sealed class TestSilo : IAsyncDisposable
{
    private readonly IHost _host;
    private bool _stopped;

    private TestSilo(IHost host, string name, SiloLog log)
    {
        _host = host;
        Name = name;
        Log = log;
    }

    public string Name { get; }

    public SiloLog Log { get; }

    public IGrainFactory Grains => _host.Services.GetRequiredService<IGrainFactory>();

    public IServiceProvider Services => _host.Services;

    public static async Task<TestSilo> StartAsync(Stage stage, string name, string url, Action<QueueOptions>? queue, Action<GristmillOptions>? silo)
    {
        var log = new SiloLog();
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddLogging(l => l.SetMinimumLevel(LogLevel.Debug).AddProvider(log));
        builder.Services.Configure<GristmillOptions>(o =>
        {
            o.Redis = url;
            o.Service = stage.Service;
            o.SiloName = name;
            o.RenewSeconds = 0.2;
            o.LeaseSeconds = 2;
            o.ShutdownSeconds = 0.2;
            var options = new QueueOptions { List = stage.List, Handler = "told" };
            options.Retry.BaseSeconds = 0.05;
            queue?.Invoke(options);
            if (options.Worker is not null) options.Handler = null;
            o.Queues[Stage.Queue] = options;
            silo?.Invoke(o);
        });
        builder.Services.AddSingleton(stage.Orders);
        builder.Services.AddJobHandler<DoAsToldHandler>("told");
        var redis = RedisOptions.Parse(url);
        redis.ClientName = name;
        redis.CommandTimeout = TimeSpan.FromSeconds(2);
        redis.BackoffMax = TimeSpan.FromMilliseconds(200);
        builder.Services.AddSingleton(p => RedisClient.Connect(redis, p.GetRequiredService<ILoggerFactory>(), TimeProvider.System));
        TestEngine.Add(builder.Services);
        builder.Services.AddGristmillGrains();
        var host = builder.Build();
        await host.StartAsync();
        return new TestSilo(host, name, log);
    }

    public Task<BridgeStatus> StatusAsync(string queue = Stage.Queue) => Grains.GetGrain<IBridgeGrain>($"{queue}@{Name}").GetStatusAsync();

    public Task<BridgeStatus> StatusAsync(string expected, Func<BridgeStatus, bool> matches, TimeSpan? limit = null) =>
        Eventually.MatchesAsync(expected, () => StatusAsync(), matches, limit);

    /// <summary>Stops it in order, as SIGTERM does.</summary>
    public async Task StopAsync()
    {
        if (_stopped) return;
        _stopped = true;
        await _host.StopAsync();
        _host.Dispose();
    }

    public ValueTask DisposeAsync() => new(StopAsync());
}

/// <summary>The lines of a silo: level, event (0 but for those of the grains), text.</summary>
internal sealed class SiloLog : ILoggerProvider, ISupportExternalScope
{
    private IExternalScopeProvider _scopes = new LoggerExternalScopeProvider();
    private readonly List<(LogLevel Level, int Event, string Text)> _lines = [];

    public IReadOnlyList<(LogLevel Level, int Event, string Text)> Lines
    {
        get
        {
            lock (_lines) return [.. _lines];
        }
    }

    /// <summary>Lines with this event throw, as a provider with a fault does: an exception that nobody expects there.</summary>
    public int? ThrowsAt { get; set; }

    public int Count(int eventId) => Lines.Count(l => l.Event == eventId);

    public ILogger CreateLogger(string categoryName) => new Writer(this, categoryName.StartsWith("Gristmill.Grains", StringComparison.Ordinal));

    public void SetScopeProvider(IExternalScopeProvider scopeProvider) => _scopes = scopeProvider;

    public void Dispose()
    {
    }

    private sealed class Writer(SiloLog owner, bool ofGrains) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => owner._scopes.Push(state);

        public bool IsEnabled(LogLevel logLevel) => true;

        private static string Fields(object? scope) => scope is IEnumerable<KeyValuePair<string, object?>> fields
            ? string.Join(' ', fields.Select(f => $"{f.Key}={f.Value}"))
            : $"{scope}";

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var text = new StringBuilder(formatter(state, exception)).Append(' ').Append(exception);
            owner._scopes.ForEachScope(static (scope, line) => line.Append(" [").Append(Fields(scope)).Append(']'), text);
            if (ofGrains && eventId.Id == owner.ThrowsAt) throw new InvalidOperationException("told to throw");
            lock (owner._lines) owner._lines.Add((logLevel, ofGrains ? eventId.Id : 0, text.ToString()));
        }
    }
}

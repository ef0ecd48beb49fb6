using System.Net;
using Gristmill.Grains.Options;
using Gristmill.Redis;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Gristmill.Silo.Hosting;

/// <summary>
/// Orleans' connection to the silo's Redis: same address, password, TLS and database, another client. Members and grain
/// states share it; nothing of a job passes here.
/// </summary>
internal sealed partial class OrleansEngineRedis : IDisposable
{
    // A silo starts while Redis is away, as on the other engine: it serves its API and waits.
    private static readonly TimeSpan RetryPeriod = TimeSpan.FromMilliseconds(500);
    private readonly IHostApplicationLifetime _host;
    private readonly TimeProvider _clock;
    private readonly ILogger<OrleansEngineRedis> _log;
    private readonly Lock _gate = new();
    private Task<IConnectionMultiplexer>? _connection;

    public OrleansEngineRedis(IOptions<GristmillOptions> options, IHostApplicationLifetime host, TimeProvider clock, ILogger<OrleansEngineRedis> log)
    {
        _host = host;
        _clock = clock;
        _log = log;
        Configuration = ConfigurationOf(options.Value);
    }

    /// <summary>How it connects.</summary>
    public ConfigurationOptions Configuration { get; }

    /// <summary>The connection; waits for Redis until the host stops.</summary>
    public Task<IConnectionMultiplexer> ConnectAsync()
    {
        lock (_gate) return _connection ??= ConnectAsync(_host.ApplicationStopping);
    }

    public void Dispose()
    {
        if (_connection is { IsCompletedSuccessfully: true } made) made.Result.Dispose();
    }

    private static ConfigurationOptions ConfigurationOf(GristmillOptions options)
    {
        var redis = RedisOptions.Parse(options.Redis ?? throw new InvalidOperationException("Gristmill:Redis is not set."));
        var configuration = new ConfigurationOptions
        {
            User = redis.User,
            Password = redis.Password,
            DefaultDatabase = redis.Database,
            Ssl = redis.Tls,
            SslHost = redis.Tls ? redis.TlsServerName ?? redis.Host : null,
            ClientName = $"gristmill-{options.SiloName}-orleans".Replace(' ', '_'),
            ConnectTimeout = (int)redis.ConnectTimeout.TotalMilliseconds,
            AsyncTimeout = (int)redis.CommandTimeout.TotalMilliseconds,
            AbortOnConnectFail = true,
            ReconnectRetryPolicy = new LinearRetry((int)RetryPeriod.TotalMilliseconds),
        };
        configuration.EndPoints.Add(IPAddress.TryParse(redis.Host, out var address) ? new IPEndPoint(address, redis.Port) : new DnsEndPoint(redis.Host, redis.Port));
        return configuration;
    }

    private async Task<IConnectionMultiplexer> ConnectAsync(CancellationToken cancellationToken)
    {
        for (var tries = 0; ; tries++)
        {
            try
            {
                var connection = await ConnectionMultiplexer.ConnectAsync(Configuration).WaitAsync(cancellationToken);
                LogJoining();
                return connection;
            }
            catch (RedisConnectionException error)
            {
                if (tries == 0) LogAway(error.Message);
                await Task.Delay(RetryPeriod, _clock, cancellationToken);
            }
        }
    }

    [LoggerMessage(1232, LogLevel.Information, "Orleans has reached Redis; the silo joins its cluster.")]
    private partial void LogJoining();

    [LoggerMessage(1230, LogLevel.Warning, "Orleans waits for Redis: {Error}")]
    private partial void LogAway(string error);
}

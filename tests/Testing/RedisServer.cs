namespace Gristmill.Testing;

/// <summary>How to start a <see cref="RedisServer"/>.</summary>
public sealed record RedisServerSettings
{
    /// <summary>requirepass; null for none.</summary>
    public string? Password { get; init; }

    /// <summary>More of the command line, as redis.conf words: "--maxmemory", "4mb".</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>PEM files for a second port with TLS; null for none.</summary>
    public RedisTlsFiles? Tls { get; init; }
}

/// <summary>The server's certificate, its key, and the CA.</summary>
public sealed record RedisTlsFiles(string Certificate, string Key, string CertificateAuthority);

/// <summary>redis-server from the PATH (a test that lacks it: <see cref="Tools"/>). Keeps nothing on disk unless its arguments say so.</summary>
public sealed class RedisServer : ServerProcess
{
    private readonly RedisServerSettings _settings;

    private RedisServer(RedisServerSettings settings) => _settings = settings;

    public override StoreKind Kind => StoreKind.Redis;

    /// <summary>The port that speaks TLS; 0 without <see cref="RedisServerSettings.Tls"/>.</summary>
    public int TlsPort { get; private set; }

    protected override string? Password => _settings.Password;

    public static Task<RedisServer> StartAsync(params string[] arguments) => StartAsync(new RedisServerSettings { Arguments = arguments });

    public static async Task<RedisServer> StartAsync(RedisServerSettings settings)
    {
        Tools.Require(Tools.RedisServer);
        var server = new RedisServer(settings) { TlsPort = settings.Tls is null ? 0 : Ports.Next() };
        await server.StartFirstAsync();
        return server;
    }

    /// <summary>SIGTERM does what SHUTDOWN does: it saves what its configuration says, and exits.</summary>
    public override Task StopAsync() => TerminateAsync();

    protected override (string Program, IEnumerable<string> Arguments) CommandLine()
    {
        var arguments = new List<string>
        {
            "--port", $"{Port}", "--bind", Host, "--dir", Folder, "--save", "", "--enable-debug-command", "local",
        };
        if (Password is not null)
        {
            arguments.AddRange(["--requirepass", Password]);
        }

        if (_settings.Tls is { } tls)
        {
            arguments.AddRange(
            [
                "--tls-port", $"{TlsPort}", "--tls-cert-file", tls.Certificate, "--tls-key-file", tls.Key,
                "--tls-ca-cert-file", tls.CertificateAuthority, "--tls-auth-clients", "optional",
            ]);
        }

        arguments.AddRange(_settings.Arguments);
        return ("redis-server", arguments);
    }
}

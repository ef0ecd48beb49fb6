using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Gristmill.Silo.Http.Access;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Hosting;

/// <summary>A real silo (`gristmill silo`) with keys on a Redis with a password, its whole output, and a certificate made for it.</summary>
internal sealed class SiloOnNetwork : IAsyncDisposable
{
    public const string RedisPassword = "open-sesame-4711";
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "gristmill.dll");
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private readonly TempFolder _folder = new();
    private readonly List<string> _lines = [];
    private ChildProcess? _silo;
    private IRedisServer? _redis;

    public string Key { get; } = AccessKeys.New();

    public required string Url { get; init; }

    public required HttpClient Http { get; init; }

    public int Id => _silo!.Id;

    public string Output
    {
        get
        {
            lock (_lines) return string.Join('\n', _lines);
        }
    }

    public static async Task<SiloOnNetwork> StartAsync(string scheme, Dictionary<string, string>? more = null)
    {
        var url = $"{scheme}://127.0.0.1:{Ports.Next()}";
        var silo = new SiloOnNetwork { Url = url, Http = Client(url) };
        await silo.RunAsync(more ?? []);
        return silo;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (_silo is not null) await _silo.DisposeAsync();
        if (_redis is not null) await _redis.DisposeAsync();
        _folder.Dispose();
    }

    private static HttpClient Client(string url) => new(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate?.Subject == "CN=silo.test" } }) { BaseAddress = new Uri(url) };

    private async Task RunAsync(Dictionary<string, string> more)
    {
        _redis = await RedisServer.StartAsync(new RedisServerSettings { Password = RedisPassword });
        Certify(_folder.File("silo.pem"), _folder.File("silo.key"));
        var environment = new Dictionary<string, string>(more)
        {
            ["REDIS_URL"] = _redis.Url, ["LOG_LEVEL"] = "DEBUG", ["Gristmill__Queues__asr__List"] = "asr", ["Gristmill__Queues__asr__Worker__Command"] = $"sh '{_folder.File("worker.sh")}'",
            ["Gristmill__Access__Keys__0__Name"] = "chief", ["Gristmill__Access__Keys__0__Role"] = "Admin", ["Gristmill__Access__Keys__0__Hash"] = AccessKeys.HashOf(Key),
            ["Kestrel__Certificates__Default__Path"] = _folder.File("silo.pem"), ["Kestrel__Certificates__Default__KeyPath"] = _folder.File("silo.key"),
        };
        if (more.TryGetValue("endpoint", out var name)) environment[$"Kestrel__Endpoints__{name}__Url"] = Url;
        else environment["Gristmill__Url"] = Url;
        await File.WriteAllTextAsync(_folder.File("worker.sh"), ShellWorker.Program);
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _silo = await ChildProcess.StartAsync("dotnet", [Program, "silo"], _folder.Path, environment, line =>
        {
            lock (_lines) _lines.Add(line);
            if (line.Contains("HTTP API:", StringComparison.Ordinal)) ready.TrySetResult();
        });
        try
        {
            await ready.Task.WaitAsync(Limit);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"The silo does not listen. Its output:\n{Output}");
        }
    }

    private static void Certify(string path, string keyPath)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=silo.test", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllText(path, certificate.ExportCertificatePem());
        File.WriteAllText(keyPath, key.ExportPkcs8PrivateKeyPem());
    }
}

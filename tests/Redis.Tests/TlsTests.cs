using System.Net;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Gristmill.Testing;

namespace Gristmill.Redis.Tests;

public sealed class TlsTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Certificate_of_the_given_authority_is_trusted()
    {
        var files = Certificates("good", "localhost", IPAddress.Loopback);
        await using var server = await StartAsync(files);
        await using var client = Clients.To(Url(server), o => o.TlsCaFile = files.CertificateAuthority);

        Assert.Equal("PONG", (await client.Do("PING")).AsString());
        await using var dedicated = await client.OpenDedicatedAsync(TestContext.Current.CancellationToken);
        Assert.Equal("PONG", (await dedicated.ExecuteAsync(new RedisCommand("PING"), TestContext.Current.CancellationToken)).AsString());
    }

    [Fact]
    public async Task Large_values_pass_through_tls()
    {
        var files = Certificates("good", "localhost", IPAddress.Loopback);
        await using var server = await StartAsync(files);
        await using var client = Clients.To(Url(server), o => o.TlsCaFile = files.CertificateAuthority);
        var value = RandomNumberGenerator.GetBytes(3 << 20);

        await client.Do(new RedisCommand("SET").Add("k").Add(value));

        Assert.True((await client.Do("GET", "k")).Bytes.Span.SequenceEqual(value));
    }

    [Fact]
    public async Task Certificate_of_another_authority_is_refused()
    {
        await using var server = await StartAsync(Certificates("good", "localhost", IPAddress.Loopback));
        var other = Certificates("other", "localhost", IPAddress.Loopback);

        await RefusedAsync(server, o => o.TlsCaFile = other.CertificateAuthority);
    }

    [Fact]
    public async Task Certificate_of_a_private_authority_is_refused_without_its_file()
    {
        await using var server = await StartAsync(Certificates("good", "localhost", IPAddress.Loopback));

        await RefusedAsync(server, _ => { });
    }

    [Fact]
    public async Task Certificate_for_another_name_is_refused()
    {
        var files = Certificates("good", "redis.example.org", null);
        await using var server = await StartAsync(files);

        await RefusedAsync(server, o => o.TlsCaFile = files.CertificateAuthority);
    }

    [Fact]
    public async Task Certificate_for_another_name_is_trusted_when_that_name_is_expected()
    {
        var files = Certificates("good", "redis.example.org", null);
        await using var server = await StartAsync(files);
        await using var client = Clients.To(Url(server), o =>
        {
            o.TlsCaFile = files.CertificateAuthority;
            o.TlsServerName = "redis.example.org";
        });

        Assert.Equal("PONG", (await client.Do("PING")).AsString());
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Server_that_asks_for_a_certificate_lets_in_those_who_have_one(bool shown)
    {
        var files = Certificates("good", "localhost", IPAddress.Loopback);
        await using var server = await StartAsync(files, "--tls-auth-clients", "yes");
        await using var client = Clients.To(Url(server), o =>
        {
            o.CommandTimeout = TimeSpan.FromSeconds(2);
            o.TlsCaFile = files.CertificateAuthority;
            o.TlsCertificateFile = shown ? files.Certificate : null;
            o.TlsKeyFile = shown ? files.Key : null;
        });

        if (shown)
        {
            Assert.Equal("PONG", (await client.Do("PING")).AsString());
        }
        else
        {
            await Assert.ThrowsAsync<RedisUnavailableException>(async () => await client.Do("PING"));
        }
    }

    private static async Task RefusedAsync(RedisServer server, Action<RedisOptions> configure)
    {
        await using var client = Clients.To(Url(server), configure);

        var error = await Assert.ThrowsAsync<RedisUnavailableException>(async () => await client.Do("PING"));

        Assert.IsType<AuthenticationException>(error.InnerException);
    }

    private static string Url(RedisServer server) => $"rediss://127.0.0.1:{server.TlsPort}";

    private static Task<RedisServer> StartAsync(RedisTlsFiles files, params string[] arguments) =>
        RedisServer.StartAsync(new RedisServerSettings { Tls = files, Arguments = arguments });

    /// <summary>An authority and a server certificate signed by it, as PEM files.</summary>
    private RedisTlsFiles Certificates(string prefix, string name, IPAddress? address)
    {
        var now = DateTimeOffset.UtcNow;
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var authority = new CertificateRequest($"CN={prefix} authority", authorityKey, HashAlgorithmName.SHA256);
        authority.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var root = authority.CreateSelfSigned(now.AddDays(-1), now.AddDays(2));

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        if (address is not null)
        {
            names.AddIpAddress(address);
        }

        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(root, now.AddDays(-1), now.AddDays(1), RandomNumberGenerator.GetBytes(8));
        return new RedisTlsFiles(
            Write($"{prefix}.crt", certificate.ExportCertificatePem()),
            Write($"{prefix}.key", key.ExportPkcs8PrivateKeyPem()),
            Write($"{prefix}-ca.crt", root.ExportCertificatePem()));
    }

    private string Write(string name, string content)
    {
        var path = _folder.File(name);
        File.WriteAllText(path, content);
        return path;
    }
}

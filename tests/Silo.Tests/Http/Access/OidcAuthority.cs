using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Gristmill.Silo.Tests.Http.Access;

/// <summary>A small authority of OpenID Connect on loopback: its discovery document, its keys, and tokens signed with one of them.</summary>
internal sealed class OidcAuthority : IAsyncDisposable
{
    public const string Audience = "gristmill";

    private readonly RsaSecurityKey _key = new(RSA.Create(2048)) { KeyId = "k1" };
    private readonly WebApplication _app;

    private OidcAuthority()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.MapGet("/.well-known/openid-configuration", () => Results.Json(new { issuer = Url, jwks_uri = $"{Url}/keys", id_token_signing_alg_values_supported = new[] { "RS256" } }));
        _app.MapGet("/keys", () =>
        {
            var open = JsonWebKeyConverter.ConvertFromRSASecurityKey(new RsaSecurityKey(_key.Rsa.ExportParameters(false)) { KeyId = _key.KeyId });
            return Results.Json(new { keys = new[] { new { kty = open.Kty, kid = open.Kid, use = "sig", alg = "RS256", n = open.N, e = open.E } } });
        });
    }

    public string Url => _app.Urls.Single();

    public static async Task<OidcAuthority> StartAsync()
    {
        var authority = new OidcAuthority();
        await authority._app.StartAsync(TestContext.Current.CancellationToken);
        return authority;
    }

    /// <summary>A token.</summary>
    public string Token(object? roles, string audience = Audience, string? issuer = null, TimeSpan? age = null, SecurityKey? key = null, string algorithm = SecurityAlgorithms.RsaSha256)
    {
        var made = DateTime.UtcNow - (age ?? TimeSpan.Zero);
        var claims = new Dictionary<string, object> { ["sub"] = "alice" };
        if (roles is not null) claims["roles"] = roles;
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = issuer ?? Url, Audience = audience, IssuedAt = made, NotBefore = made, Expires = made.AddMinutes(10), Claims = claims,
            SigningCredentials = new SigningCredentials(key ?? _key, algorithm),
        });
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
        _key.Rsa.Dispose();
    }
}

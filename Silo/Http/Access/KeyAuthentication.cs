using System.Security.Claims;
using System.Text.Encodings.Web;
using Gristmill.Grains.Options;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace Gristmill.Silo.Http.Access;

/// <summary>Knows a caller by a key, sent as "Authorization: Bearer …" or "X-Api-Key: …".</summary>
internal sealed class KeyAuthentication(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, AccessKeys keys)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    /// <summary>The scheme.</summary>
    public const string Name = "Key";

    /// <summary>The header for a key alone.</summary>
    public const string Header = "X-Api-Key";

    private const string Bearer = "Bearer ";

    /// <summary>The bearer token of a request; null for none.</summary>
    public static string? BearerOf(HttpRequest request) =>
        request.Headers.Authorization.ToString() is var header && header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? header[Bearer.Length..].Trim() : null;

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var presented = Request.Headers.TryGetValue(Header, out var header) ? header.ToString() : BearerOf(Request);
        if (presented is null) return Task.FromResult(AuthenticateResult.NoResult());
        return Task.FromResult(keys.Find(presented) is { } key
            ? AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(CallerClaims.Of(key.Name, key.Role, Name)), Name))
            : AuthenticateResult.Fail("The key is none of this silo's."));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.StatusCode = StatusCodes.Status401Unauthorized;
        Response.Headers.WWWAuthenticate = "Bearer realm=\"gristmill\"";
        return Task.CompletedTask;
    }
}

/// <summary>What is known of a caller: a name and a role, whatever said so.</summary>
internal static class CallerClaims
{
    private const string Role = "gristmill_role";
    private const string Caller = "gristmill_caller";

    public static ClaimsIdentity Of(string name, AccessRole? role, string scheme)
    {
        var identity = new ClaimsIdentity(scheme);
        identity.AddClaim(new Claim(Caller, name));
        if (role is { } known) identity.AddClaim(new Claim(Role, known.ToString()));
        return identity;
    }

    /// <summary>The caller's name; null for one that is not known.</summary>
    public static string? NameOf(ClaimsPrincipal user) => user.FindFirst(Caller)?.Value;

    /// <summary>The caller's role; null for none.</summary>
    public static AccessRole? RoleOf(ClaimsPrincipal user) => Enum.TryParse<AccessRole>(user.FindFirst(Role)?.Value, out var role) ? role : null;
}

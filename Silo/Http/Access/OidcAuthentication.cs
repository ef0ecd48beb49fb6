using System.Security.Claims;
using Gristmill.Grains.Options;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Options;

namespace Gristmill.Silo.Http.Access;

/// <summary>
/// Knows a caller by a token of the authority that Gristmill:Access:Oidc names: its keys and issuer come from its discovery
/// document; signature, issuer, audience and time are checked. Of all that a token says, only a name and a role are kept: a
/// token cannot make itself the claims of a key.
/// </summary>
internal sealed class OidcAuthentication(IOptions<GristmillOptions> silo) : IConfigureNamedOptions<JwtBearerOptions>
{
    /// <summary>The scheme.</summary>
    public const string Name = "Oidc";

    /// <summary>A clock that is a little off is no reason to refuse; the default of five minutes is more than a little.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(30);

    public void Configure(JwtBearerOptions options) => Configure(Name, options);

    public void Configure(string? name, JwtBearerOptions options)
    {
        if (name != Name || silo.Value.Access.Oidc is not { } oidc) return;
        options.Authority = oidc.Authority;
        options.Audience = oidc.Audience;
        options.RequireHttpsMetadata = !new Uri(oidc.Authority).IsLoopback;
        options.MapInboundClaims = false;
        options.IncludeErrorDetails = false;
        options.TokenValidationParameters.ValidateAudience = true;
        options.TokenValidationParameters.ClockSkew = ClockSkew;
        options.TokenValidationParameters.RequireSignedTokens = true;
        options.TokenValidationParameters.RequireExpirationTime = true;
        options.Events = new JwtBearerEvents
        {
            OnTokenValidated = context =>
            {
                var token = context.Principal!;
                var caller = token.FindFirst(oidc.NameClaim)?.Value ?? "unnamed";
                context.Principal = new ClaimsPrincipal(CallerClaims.Of(caller, RoleOf(token, oidc), Name));
                return Task.CompletedTask;
            },
        };
    }

    // The highest that the token names.
    private static AccessRole? RoleOf(ClaimsPrincipal token, OidcOptions oidc)
    {
        var words = token.FindAll(oidc.RoleClaim).SelectMany(c => c.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries)).ToHashSet(StringComparer.Ordinal);
        var named = Enum.GetValues<AccessRole>().Where(r => words.Contains(oidc.RolePrefix + r.ToString().ToLowerInvariant())).ToList();
        return named.Count == 0 ? null : named.Max();
    }
}

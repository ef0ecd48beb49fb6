using Gristmill.Grains.Options;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Gristmill.Silo.Http.Access;

/// <summary>
/// Who may call what. Steps of a request: audit → pages of other origins (CORS) → who it is (a key, or a token of the
/// authority) → how often → whether its role is high enough. What names no role needs Read, so that nothing is open by oversight.
/// </summary>
internal static class AccessRegistration
{
    private const string Chosen = "Chosen";

    public static IServiceCollection AddGristmillAccess(this IServiceCollection services)
    {
        services.AddSingleton<AccessKeys>();
        services.AddSingleton<AuditLog>();
        services.AddSingleton<IAuthorizationHandler, CallRoleHandler>();
        services.AddSingleton<IConfigureOptions<JwtBearerOptions>, OidcAuthentication>();

        // The parts of AddAuthentication without its data protection, which writes keys to the disk that nothing here uses.
        services.AddAuthenticationCore(o => o.DefaultScheme = Chosen).AddWebEncoders();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IAuthenticationConfigurationProvider, NoAuthenticationConfiguration>();
        new AuthenticationBuilder(services)
            .AddPolicyScheme(Chosen, null, policy => policy.ForwardDefaultSelector = SchemeOf)
            .AddScheme<AuthenticationSchemeOptions, KeyAuthentication>(KeyAuthentication.Name, null)
            .AddJwtBearer(OidcAuthentication.Name, _ => { });
        services.AddAuthorization(o => o.FallbackPolicy = PolicyOf(AccessRole.Read));
        services.AddRateLimiter(_ => { });
        services.AddOptions<RateLimiterOptions>().Configure<IOptions<GristmillOptions>, AccessKeys>((limiter, silo, keys) => RateLimits.Configure(limiter, silo.Value, keys));
        services.AddCors();
        services.AddOptions<CorsOptions>().Configure<IOptions<GristmillOptions>>((cors, silo) => Allow(cors, silo.Value.Access.Origins));
        return services;
    }

    /// <summary>Puts the steps behind the routing.</summary>
    public static void UseGristmillAccess(this WebApplication app)
    {
        app.Use(app.Services.GetRequiredService<AuditLog>().FollowAsync);
        app.UseCors();
        app.UseAuthentication();
        app.UseRateLimiter();
        app.UseAuthorization();
    }

    /// <summary>Asks for a role.</summary>
    public static TBuilder Needs<TBuilder>(this TBuilder calls, AccessRole role)
        where TBuilder : IEndpointConventionBuilder =>
        calls.WithMetadata(new CallRole(role)).RequireAuthorization(PolicyOf(role));

    private static AuthorizationPolicy PolicyOf(AccessRole role) => new AuthorizationPolicyBuilder().AddRequirements(new CallRole(role)).Build();

    // A token of an authority has three parts; a key has no dot.
    private static string SchemeOf(HttpContext context) =>
        !context.Request.Headers.ContainsKey(KeyAuthentication.Header) && KeyAuthentication.BearerOf(context.Request)?.Contains('.', StringComparison.Ordinal) == true
        && context.RequestServices.GetRequiredService<IOptions<GristmillOptions>>().Value.Access.Oidc is not null
            ? OidcAuthentication.Name
            : KeyAuthentication.Name;

    // Access is configured in Gristmill:Access alone, not in Authentication:Schemes too.
    private sealed class NoAuthenticationConfiguration : IAuthenticationConfigurationProvider
    {
        public IConfiguration AuthenticationConfiguration { get; } = new ConfigurationBuilder().Build();
    }

    private static void Allow(CorsOptions cors, List<string> origins)
    {
        if (origins.Count == 0) return;
        cors.AddDefaultPolicy(policy => policy.WithOrigins([.. origins]).AllowAnyHeader().WithMethods("GET", "POST", "PUT", "DELETE").WithExposedHeaders("Location", "Retry-After"));
    }
}

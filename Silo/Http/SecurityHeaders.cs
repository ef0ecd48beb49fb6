using Microsoft.Net.Http.Headers;

namespace Gristmill.Silo.Http;

/// <summary>
/// Headers that keep browsers from guessing, framing and keeping what they were given. See
/// https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers.
/// </summary>
internal static class SecurityHeaders
{
    // Data is no page; the page of the document runs its own scripts and styles alone.
    private const string OfData = "default-src 'none'; frame-ancestors 'none'";
    private const string OfPage = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'";
    private static readonly string[] Data = ["/api", "/health", "/metrics", "/openapi"];

    public static Task AddAsync(HttpContext context, RequestDelegate next)
    {
        context.Response.OnStarting(static state => Add((HttpContext)state), context);
        return next(context);
    }

    private static Task Add(HttpContext context)
    {
        var (headers, path) = (context.Response.Headers, context.Request.Path);
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers.XFrameOptions = "DENY";
        if (Data.Any(d => path.StartsWithSegments(d)))
        {
            headers.ContentSecurityPolicy = OfData;
            if (!headers.ContainsKey(HeaderNames.CacheControl)) headers.CacheControl = "no-store";
        }
        else if (path.StartsWithSegments(Document.ApiDocument.PagePath))
        {
            headers.ContentSecurityPolicy = OfPage;
        }

        // Of localhost a browser would then ask TLS for everything on this machine.
        if (context.Request.IsHttps && context.Request.Host.Host != "localhost") headers.StrictTransportSecurity = "max-age=31536000";
        return Task.CompletedTask;
    }
}

using Gristmill.Grains.Options;
using Microsoft.Extensions.Options;

namespace Gristmill.Silo.Http;

/// <summary>
/// Refuses what changes something when a browser sends it for another site: a page elsewhere must not reach the API on this
/// machine, which may be open. Programs send neither header and are not concerned, nor are the origins that
/// Gristmill:Access:Origins allows. See https://www.w3.org/TR/fetch-metadata/.
/// </summary>
internal static class CrossSiteGuard
{
    public static ValueTask<object?> CheckAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var request = context.HttpContext.Request;
        if (HttpMethods.IsGet(request.Method) || !IsForeign(request) || IsAllowed(request)) return next(context);
        return ValueTask.FromResult<object?>(ApiProblems.Problem(
            StatusCodes.Status403Forbidden, "cross_site", "Another site may not do this.", "The request comes from a page of another site."));
    }

    private static bool IsAllowed(HttpRequest request) =>
        request.HttpContext.RequestServices.GetRequiredService<IOptions<GristmillOptions>>().Value.Access.Origins
            .Contains(request.Headers.Origin.ToString(), StringComparer.OrdinalIgnoreCase);

    private static bool IsForeign(HttpRequest request)
    {
        if (request.Headers.TryGetValue("Sec-Fetch-Site", out var site)) return site != "same-origin" && site != "none";
        if (request.Headers.Origin.ToString() is not { Length: > 0 } origin) return false;
        return !Uri.TryCreate(origin, UriKind.Absolute, out var uri) || !string.Equals(uri.Authority, request.Host.Value, StringComparison.OrdinalIgnoreCase);
    }
}

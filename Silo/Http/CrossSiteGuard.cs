namespace Gristmill.Silo.Http;

/// <summary>
/// Refuses what changes something when a browser sends it for another site: the API has no log-in of its own, and a page
/// elsewhere must not reach the one on this machine. Programs send neither header and are not concerned. See
/// https://www.w3.org/TR/fetch-metadata/.
/// </summary>
internal static class CrossSiteGuard
{
    public static ValueTask<object?> CheckAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var request = context.HttpContext.Request;
        if (HttpMethods.IsGet(request.Method) || !IsForeign(request)) return next(context);
        return ValueTask.FromResult<object?>(ApiProblems.Problem(
            StatusCodes.Status403Forbidden, "cross_site", "Another site may not do this.", "The request comes from a page of another site."));
    }

    private static bool IsForeign(HttpRequest request)
    {
        if (request.Headers.TryGetValue("Sec-Fetch-Site", out var site)) return site != "same-origin" && site != "none";
        if (request.Headers.Origin.ToString() is not { Length: > 0 } origin) return false;
        return !Uri.TryCreate(origin, UriKind.Absolute, out var uri) || !string.Equals(uri.Authority, request.Host.Value, StringComparison.OrdinalIgnoreCase);
    }
}

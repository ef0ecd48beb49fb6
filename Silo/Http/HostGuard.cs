using System.Net;
using Gristmill.Grains.Options;
using Gristmill.Silo.Http.Access;

namespace Gristmill.Silo.Http;

/// <summary>
/// An open API answers on loopback alone, and there to localhost, to addresses and to the names in Gristmill:Access:Hosts. A page of any
/// site can have its own name lead to 127.0.0.1, and would then be of the same site as this API for the browser ("DNS
/// rebinding"); only the name in the request gives it away.
/// </summary>
internal sealed class HostGuard(AccessOptions access, AccessKeys keys)
{
    public Task CheckAsync(HttpContext context, RequestDelegate next)
    {
        if (!keys.IsOpen || access.Insecure || context.Connection.LocalIpAddress is not { } local) return next(context);
        if (!IPAddress.IsLoopback(local))
        {
            // The start refuses such an address; but Kestrel can be given one by ways of its own, also while it runs.
            return ApiProblems.Problem(
                StatusCodes.Status403Forbidden, "not_loopback", "This silo answers on its own machine alone.",
                "No call of this silo needs a key, so it answers nobody else. Set keys (gristmill keys new), or pass --insecure.").ExecuteAsync(context);
        }

        if (IsKnown(context.Request.Host.Host)) return next(context);
        return ApiProblems.Problem(
            StatusCodes.Status403Forbidden, "unknown_host", "This silo is not called so.",
            "The request names a host that is neither localhost nor an address. Set keys (gristmill keys new), or add the name to Gristmill:Access:Hosts.", "Host").ExecuteAsync(context);
    }

    private bool IsKnown(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
        || IPAddress.TryParse(host.AsSpan().Trim("[]"), out _) || access.Hosts.Contains(host, StringComparer.OrdinalIgnoreCase);
}

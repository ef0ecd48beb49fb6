using System.Globalization;
using System.Threading.RateLimiting;
using Gristmill.Grains.Options;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.RateLimiting;

namespace Gristmill.Silo.Http.Access;

/// <summary>
/// How often a key may call: a bucket of Burst tokens that fills by RequestsPerSecond. All who show no valid key share one
/// bucket. Health, the document and its page are not counted, and nothing is where the API is open.
/// </summary>
internal static class RateLimits
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    public static void Configure(RateLimiterOptions limiter, AccessOptions access, AccessKeys keys)
    {
        limiter.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
        limiter.OnRejected = (rejected, _) => new ValueTask(RejectAsync(rejected, access));
        if (access.RequestsPerSecond == 0 || keys.IsOpen) return;
        limiter.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(context =>
            context.GetEndpoint()?.Metadata.GetMetadata<IAllowAnonymous>() is not null
                ? RateLimitPartition.GetNoLimiter(string.Empty)
                : RateLimitPartition.GetTokenBucketLimiter(PartitionOf(context), _ => new TokenBucketRateLimiterOptions
                {
                    TokenLimit = access.Burst,
                    TokensPerPeriod = access.RequestsPerSecond,
                    ReplenishmentPeriod = Period,
                    QueueLimit = 0,
                    AutoReplenishment = true,
                }));
    }

    // A key and a token may have the same name.
    private static string PartitionOf(HttpContext context) =>
        CallerClaims.NameOf(context.User) is { } name ? $"{context.User.Identity!.AuthenticationType}:{name}" : "nobody";

    private static async Task RejectAsync(OnRejectedContext rejected, AccessOptions access)
    {
        var wait = rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? after : Period;
        var context = rejected.HttpContext;
        context.Response.Headers.RetryAfter = Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        var who = CallerClaims.NameOf(context.User) is { } name ? $"The key '{name}' makes" : "Callers without a valid key make";
        await ApiProblems.Problem(
            StatusCodes.Status429TooManyRequests, "rate_limit", "There are too many calls.",
            $"{who} more than {access.RequestsPerSecond} calls a second, or {access.Burst} at once (Gristmill:Access:RequestsPerSecond, Burst).").ExecuteAsync(context);
    }
}

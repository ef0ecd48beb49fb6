using System.Globalization;
using System.Threading.RateLimiting;
using Gristmill.Grains.Options;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.RateLimiting;

namespace Gristmill.Silo.Http.Access;

/// <summary>
/// How often a key may call: a bucket of Burst tokens that fills by RequestsPerSecond; and how many event streams it may have.
/// All who show no valid key count as one. Health, the document and its page are not counted, and nothing is where the API is
/// open.
/// </summary>
internal static class RateLimits
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    public static void Configure(RateLimiterOptions limiter, AccessOptions access, AccessKeys keys)
    {
        limiter.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
        limiter.OnRejected = (rejected, _) => new ValueTask(RejectAsync(rejected, access));
        if (keys.IsOpen) return;
        limiter.GlobalLimiter = PartitionedRateLimiter.CreateChained(Calls(access), Streams(access));
    }

    private static PartitionedRateLimiter<HttpContext> Calls(AccessOptions access) => PartitionedRateLimiter.Create<HttpContext, string>(context =>
        access.RequestsPerSecond == 0 || context.GetEndpoint()?.Metadata.GetMetadata<IAllowAnonymous>() is not null
            ? RateLimitPartition.GetNoLimiter(string.Empty)
            : RateLimitPartition.GetTokenBucketLimiter(PartitionOf(context), _ => new TokenBucketRateLimiterOptions
            {
                TokenLimit = access.Burst,
                TokensPerPeriod = access.RequestsPerSecond,
                ReplenishmentPeriod = Period,
                QueueLimit = 0,
                AutoReplenishment = true,
            }));

    private static PartitionedRateLimiter<HttpContext> Streams(AccessOptions access) => PartitionedRateLimiter.Create<HttpContext, string>(context =>
        access.Streams == 0 || context.GetEndpoint()?.Metadata.GetMetadata<EventStreamCall>() is null
            ? RateLimitPartition.GetNoLimiter(string.Empty)
            : RateLimitPartition.GetConcurrencyLimiter(PartitionOf(context), _ => new ConcurrencyLimiterOptions { PermitLimit = access.Streams, QueueLimit = 0 }));

    // A key and a token may have the same name.
    private static string PartitionOf(HttpContext context) =>
        CallerClaims.NameOf(context.User) is { } name ? $"{context.User.Identity!.AuthenticationType}:{name}" : "nobody";

    private static async Task RejectAsync(OnRejectedContext rejected, AccessOptions access)
    {
        // Only the bucket knows when there will be room.
        var isStream = !rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var after);
        var wait = isStream ? Period : after;
        var context = rejected.HttpContext;
        context.Response.Headers.RetryAfter = Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        var name = CallerClaims.NameOf(context.User);
        await (isStream
            ? ApiProblems.Problem(
                StatusCodes.Status429TooManyRequests, "too_many_streams", "There are too many event streams.",
                $"{(name is null ? "Callers without a valid key have" : $"The key '{name}' has")} {access.Streams} event streams open (Gristmill:Access:Streams).")
            : ApiProblems.Problem(
                StatusCodes.Status429TooManyRequests, "rate_limit", "There are too many calls.",
                $"{(name is null ? "Callers without a valid key make" : $"The key '{name}' makes")} more than {access.RequestsPerSecond} calls a second, or {access.Burst} at once (Gristmill:Access:RequestsPerSecond, Burst).")).ExecuteAsync(context);
    }
}

/// <summary>Marks a call whose answer lasts.</summary>
internal sealed record EventStreamCall;

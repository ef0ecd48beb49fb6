using System.Globalization;
using System.Threading.RateLimiting;
using Gristmill.Grains.Options;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.RateLimiting;

namespace Gristmill.Silo.Http.Access;

/// <summary>
/// How often a key may call: a bucket of Burst tokens that fills by RequestsPerSecond; and how many event streams it may have.
/// All who show no valid key count as one. Health, the document and its page are not counted, and where the API is open, keys
/// have no bounds. The event streams of the whole silo are bounded in any case.
/// </summary>
internal static class RateLimits
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    public static void Configure(RateLimiterOptions limiter, GristmillOptions options, AccessKeys keys)
    {
        var (access, most) = (options.Access, options.Api.MaxStreams);
        var all = new ConcurrencyLimiter(new ConcurrencyLimiterOptions { PermitLimit = most, QueueLimit = 0 });
        limiter.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
        limiter.OnRejected = (rejected, _) => new ValueTask(RejectAsync(rejected, access, all.GetStatistics()?.CurrentAvailablePermits == 0 ? most : null));
        limiter.GlobalLimiter = keys.IsOpen ? AllStreams(all) : PartitionedRateLimiter.CreateChained(Calls(access), Streams(access), AllStreams(all));
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

    private static PartitionedRateLimiter<HttpContext> AllStreams(RateLimiter all) => PartitionedRateLimiter.Create<HttpContext, bool>(context =>
        context.GetEndpoint()?.Metadata.GetMetadata<EventStreamCall>() is null ? RateLimitPartition.GetNoLimiter(false) : RateLimitPartition.Get(true, _ => all));

    // A key and a token may have the same name.
    private static string PartitionOf(HttpContext context) =>
        CallerClaims.NameOf(context.User) is { } name ? $"{context.User.Identity!.AuthenticationType}:{name}" : "nobody";

    private static async Task RejectAsync(OnRejectedContext rejected, AccessOptions access, int? all)
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
                all is null
                    ? $"{(name is null ? "Callers without a valid key have" : $"The key '{name}' has")} {access.Streams} event streams open (Gristmill:Access:Streams). Close some, or read the job now and then instead."
                    : $"This silo has {all} event streams open (Gristmill:Api:MaxStreams). Close some, ask another silo, or read the job now and then instead.")
            : ApiProblems.Problem(
                StatusCodes.Status429TooManyRequests, "rate_limit", "There are too many calls.",
                $"{(name is null ? "Callers without a valid key make" : $"The key '{name}' makes")} more than {access.RequestsPerSecond} calls a second, or {access.Burst} at once (Gristmill:Access:RequestsPerSecond, Burst).")).ExecuteAsync(context);
    }
}

/// <summary>Marks a call whose answer lasts.</summary>
internal sealed record EventStreamCall;

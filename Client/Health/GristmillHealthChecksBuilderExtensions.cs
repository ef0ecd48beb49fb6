using Gristmill.Store;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Gristmill.Client;

/// <summary>Adds the client's check to a host's health checks.</summary>
public static class GristmillHealthChecksBuilderExtensions
{
    /// <summary>
    /// Checks that Redis answers, within 3 s, and of the queues that are named that a silo serves them:
    /// <c>services.AddHealthChecks().AddGristmill("asr")</c>. Needs <c>AddGristmillClient</c>.
    /// </summary>
    /// <param name="builder">The host's health checks.</param>
    /// <param name="queues">Queues that a silo must serve; without one the check is degraded.</param>
    /// <exception cref="ArgumentException">No queue can have one of the names.</exception>
    public static IHealthChecksBuilder AddGristmill(this IHealthChecksBuilder builder, params string[] queues) =>
        builder.AddGristmill("gristmill", null, null, queues);

    /// <summary>As the other overload, with a name, a status and tags of one's own.</summary>
    /// <param name="builder">The host's health checks.</param>
    /// <param name="name">The check's name.</param>
    /// <param name="failureStatus">What it reports where Redis does not answer; null for unhealthy.</param>
    /// <param name="tags">Its tags; null for none.</param>
    /// <param name="queues">Queues that a silo must serve.</param>
    /// <exception cref="ArgumentException">No queue can have one of the names.</exception>
    public static IHealthChecksBuilder AddGristmill(
        this IHealthChecksBuilder builder, string name, HealthStatus? failureStatus, IEnumerable<string>? tags, params string[] queues)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(queues);
        if (Array.Find(queues, q => !RedisKeys.IsName(q)) is { } wrong)
        {
            throw new ArgumentException($"'{wrong}' is no name of a queue: it may have letters, digits, '.', '_', ':' and '-', 1 to 128 of them.", nameof(queues));
        }

        return builder.Add(new HealthCheckRegistration(
            name, provider => new GristmillHealthCheck(provider.GetRequiredService<IGristmillClient>(), queues, provider.GetService<TimeProvider>() ?? TimeProvider.System), failureStatus, tags));
    }
}

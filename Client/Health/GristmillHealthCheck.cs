using System.Globalization;
using Gristmill.Redis;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Gristmill.Client;

/// <summary>
/// Whether a service can hand its jobs over: unhealthy where Redis does not answer. Of the queues that are named it is degraded while one is
/// served by no silo or is paused, since jobs are kept and wait then.
/// </summary>
internal sealed class GristmillHealthCheck(IGristmillClient client, IReadOnlyList<string> queues, TimeProvider clock) : IHealthCheck
{
    /// <summary>Who asks waits no longer than this; a call waits longer for a Redis that comes back.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            return await LookAsync(cancellationToken).WaitAsync(Patience, clock, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is RedisException or TimeoutException)
        {
            var why = error is RedisException ? $"does not answer: {error.Message}" : string.Create(CultureInfo.InvariantCulture, $"did not answer within {Patience.TotalSeconds} s.");
            return new HealthCheckResult(context.Registration.FailureStatus, $"Redis at {client.Describe()} {why}", error);
        }
    }

    private async Task<HealthCheckResult> LookAsync(CancellationToken cancellationToken)
    {
        await client.PingAsync(cancellationToken).ConfigureAwait(false);
        var troubles = new List<string>();
        var figures = new Dictionary<string, object>();
        foreach (var name in queues)
        {
            var info = await client.Queue(name).GetInfoAsync(cancellationToken).ConfigureAwait(false);
            figures[name] = string.Create(CultureInfo.InvariantCulture, $"{info.State}, {info.Silos.Count} silo{(info.Silos.Count == 1 ? "" : "s")}, {info.Counts.Queued} queued, {info.Counts.Running} running, {info.Counts.Dead} dead");
            if (info.State == "paused") troubles.Add($"The queue '{name}' is paused.");
            if (info.Silos.Count == 0) troubles.Add($"No silo serves the queue '{name}': its jobs wait.");
        }

        return troubles.Count == 0 ? HealthCheckResult.Healthy(data: figures) : HealthCheckResult.Degraded(string.Join(' ', troubles), data: figures);
    }
}

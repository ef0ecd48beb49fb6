using System.Text.Json;
using Gristmill.Grains.Handlers;

namespace Gristmill.Bench;

/// <summary>Does nothing; for silos in processes of their own.</summary>
[JobHandler(Name)]
public sealed class SiloNoopHandler : IJobHandler<JsonElement, object?>
{
    public const string Name = "bench-noop";
    private static readonly Task<object?> Nothing = Task.FromResult<object?>(null);

    public Task<object?> HandleAsync(JsonElement payload, JobContext context, CancellationToken cancellationToken) => Nothing;
}

/// <summary>Waits, as for an answer from elsewhere; for silos in processes of their own.</summary>
[JobHandler(Name)]
public sealed class SiloWaitHandler : IJobHandler<JsonElement, object?>
{
    public const string Name = "bench-wait";

    /// <summary>How long.</summary>
    public static readonly TimeSpan Time = TimeSpan.FromMilliseconds(20);

    public async Task<object?> HandleAsync(JsonElement payload, JobContext context, CancellationToken cancellationToken)
    {
        await Task.Delay(Time, cancellationToken);
        return null;
    }
}

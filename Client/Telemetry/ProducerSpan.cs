using System.Diagnostics;

namespace Gristmill.Client;

/// <summary>
/// The span of one enqueueing, by OpenTelemetry's conventions for messaging: its context goes with each job, so that the attempts of
/// the job are its children on whichever silo they run. Nothing where nobody listens; jobs carry the caller's own context then.
/// </summary>
internal static class ProducerSpan
{
    /// <summary>The activity source, of the same name as the silo's.</summary>
    public const string SourceName = "Gristmill";

    private static readonly ActivitySource Source = new(SourceName, typeof(ProducerSpan).Assembly.GetName().Version?.ToString(3));

    /// <summary>Begins it; null when nobody listens.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="batch">How many jobs; null for a single one.</param>
    public static Activity? Start(string queue, int? batch)
    {
        if (!Source.HasListeners() || Source.StartActivity($"send {queue}", ActivityKind.Producer) is not { } span) return null;
        span.SetTag("messaging.system", "redis");
        span.SetTag("messaging.operation.type", "send");
        span.SetTag("messaging.operation.name", "send");
        span.SetTag("messaging.destination.name", queue);
        if (batch is { } count) span.SetTag("messaging.batch.message_count", count);
        return span;
    }

    /// <summary>Notes the id of a single job.</summary>
    public static void Sent(this Activity? span, string id) => span?.SetTag("messaging.message.id", id);

    /// <summary>Notes why nothing, or not all, was enqueued.</summary>
    public static void Failed(this Activity? span, Exception error)
    {
        span?.SetTag("error.type", error.GetType().FullName);
        span?.SetStatus(ActivityStatusCode.Error, error.Message);
    }
}

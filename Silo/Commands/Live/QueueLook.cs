using System.Text.Json;
using System.Text.Json.Nodes;
using Gristmill.Client;
using Gristmill.Silo.Http;

namespace Gristmill.Silo.Commands.Live;

/// <summary>One look at all queues, with what went in and out since the look before.</summary>
/// <param name="At">When, by the monotonic clock.</param>
/// <param name="Queues">The queues.</param>
internal sealed record QueueLook(long At, IReadOnlyList<QueueFlow> Queues)
{
    // A job comes once and ends once; a retry is neither.
    private static readonly string[] Ins = ["claimed", "enqueued"];
    private static readonly string[] Outs = ["completed", "dead", "cancelled"];

    /// <summary>Makes one.</summary>
    public static QueueLook Of(IReadOnlyList<QueueInfo> queues, QueueLook? before, TimeProvider clock)
    {
        var now = clock.GetTimestamp();
        var seconds = before is null ? 0 : clock.GetElapsedTime(before.At, now).TotalSeconds;
        return new QueueLook(now, [.. queues.Select(q => Flow(q, before?.Queues.FirstOrDefault(b => b.Queue.Name == q.Name)?.Queue, seconds))]);
    }

    private static QueueFlow Flow(QueueInfo queue, QueueInfo? before, double seconds)
    {
        if (before is null || seconds <= 0) return new QueueFlow(queue, null, null);
        return new QueueFlow(queue, Rate(Ins), Rate(Outs));

        // Totals begin anew after a flush.
        double Rate(string[] totals) => Math.Round(Math.Max(0, totals.Sum(t => queue.Totals.GetValueOrDefault(t) - before.Totals.GetValueOrDefault(t))) / seconds, 1);
    }
}

/// <summary>A queue and its rates.</summary>
/// <param name="Queue">The queue.</param>
/// <param name="InPerSecond">Jobs that came, since the look before; null at the first.</param>
/// <param name="OutPerSecond">Jobs that ended: completed, dead or cancelled.</param>
internal sealed record QueueFlow(QueueInfo Queue, double? InPerSecond, double? OutPerSecond)
{
    /// <summary>The queue as elsewhere, and its rates.</summary>
    public JsonObject ToJson()
    {
        var json = JsonSerializer.SerializeToNode(Queue, ApiJson.Options)!.AsObject();
        json["inPerSecond"] = InPerSecond;
        json["outPerSecond"] = OutPerSecond;
        return json;
    }
}

using Gristmill.Client;
using Gristmill.Grains.Silo;

namespace Gristmill.Silo.Http;

/// <summary>Queues: their numbers, and whether they take and start jobs.</summary>
internal static class QueueCalls
{
    public static void Map(RouteGroupBuilder api)
    {
        api.MapGet("/queues", ListAsync);
        api.MapGet("/queues/{queue}", GetAsync);
        api.MapPost("/queues/{queue}/pause", (string queue, QueueDirectory queues, CancellationToken stop) => ModeAsync(queue, queues, q => q.PauseAsync(stop), stop));
        api.MapPost("/queues/{queue}/resume", (string queue, QueueDirectory queues, CancellationToken stop) => ModeAsync(queue, queues, q => q.ResumeAsync(stop), stop));
        api.MapPost("/queues/{queue}/drain", (string queue, QueueDirectory queues, CancellationToken stop) => ModeAsync(queue, queues, q => q.DrainAsync(stop), stop));
    }

    private static async Task<IResult> ListAsync(QueueDirectory queues, IGristmillClient client, CancellationToken cancellationToken)
    {
        var answers = new List<QueueAnswer>();
        foreach (var name in await queues.NamesAsync(cancellationToken)) answers.Add(await AnswerAsync(client.Queue(name), queues, cancellationToken));
        return ApiJson.Ok(new QueuesAnswer(client.Service, answers));
    }

    private static async Task<IResult> GetAsync(string queue, QueueDirectory queues, CancellationToken cancellationToken) =>
        ApiJson.Ok(await AnswerAsync(await queues.FindAsync(queue, cancellationToken), queues, cancellationToken));

    private static async Task<IResult> ModeAsync(string queue, QueueDirectory queues, Func<IQueueClient, Task> change, CancellationToken cancellationToken)
    {
        var target = await queues.FindAsync(queue, cancellationToken);
        await change(target);
        return ApiJson.Ok(await AnswerAsync(target, queues, cancellationToken));
    }

    private static async Task<QueueAnswer> AnswerAsync(IQueueClient queue, QueueDirectory queues, CancellationToken cancellationToken)
    {
        var info = await queue.GetInfoAsync(cancellationToken);
        var lists = await queues.ListsAsync(queue.Name, cancellationToken) ?? [.. info.Lists.Select(l => new ListLength(l.Name, null, l.Length, l.Error))];
        return new QueueAnswer(info.Name, info.State, info.Counts, info.Totals, info.OldestReadyAt, info.OldestReadySeconds, queues.RatesOf(queue.Name), queues.WaitsOf(queue.Name), info.Silos, lists);
    }
}

/// <summary>All queues of a service.</summary>
internal sealed record QueuesAnswer(string Service, IReadOnlyList<QueueAnswer> Queues);

/// <summary>
/// One queue. Rates are the cluster's over the last minute; waits are those of the last jobs that this silo started. Both are
/// null where this silo does not serve the queue; the lists are then those that others have announced, without priorities.
/// </summary>
internal sealed record QueueAnswer(
    string Name, string State, JobCounts Counts, IReadOnlyDictionary<string, long> Totals,
    DateTimeOffset? OldestReadyAt, double? OldestReadySeconds, QueueRates? Rates, WaitSummary? Waits, IReadOnlyList<string> Silos, IReadOnlyList<ListLength> Lists);

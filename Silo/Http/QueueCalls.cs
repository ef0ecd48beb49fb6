using Gristmill.Client;
using Gristmill.Grains.Options;
using Gristmill.Grains.Silo;
using Gristmill.Silo.Http.Document;

namespace Gristmill.Silo.Http;

/// <summary>Queues: their numbers, and whether they take and start jobs.</summary>
internal static class QueueCalls
{
    private const string Tag = "Queues";

    public static void Map(RouteGroupBuilder api)
    {
        api.MapGet("/queues", ListAsync).Describe(AccessRole.Read, "listQueues", "All queues with their numbers.", Tag).Produces<QueuesAnswer>();
        api.MapGet("/queues/{queue}", GetAsync).Describe(AccessRole.Read, "getQueue", "The numbers of a queue.", Tag).Produces<QueueAnswer>().Fails(404);
        Mode(api, "pause", "Stops taking and starting jobs; what runs goes on.", (q, stop) => q.PauseAsync(stop));
        Mode(api, "resume", "Takes and starts jobs again.", (q, stop) => q.ResumeAsync(stop));
        Mode(api, "drain", "Takes nothing new from the lists, and goes on with what is admitted.", (q, stop) => q.DrainAsync(stop));
    }

    private static void Mode(RouteGroupBuilder api, string verb, string summary, Func<IQueueClient, CancellationToken, Task> change) => api
        .MapPost($"/queues/{{queue}}/{verb}", (string queue, QueueDirectory queues, CancellationToken stop) => ModeAsync(queue, queues, q => change(q, stop), stop))
        .Describe(AccessRole.Operate, $"{verb}Queue", summary, Tag).Produces<QueueAnswer>().Fails(404);

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

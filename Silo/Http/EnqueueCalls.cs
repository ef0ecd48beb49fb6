using System.Text.Json;
using Gristmill.Client;
using Gristmill.Store;

namespace Gristmill.Silo.Http;

/// <summary>Enqueueing, one job or many.</summary>
internal static class EnqueueCalls
{
    /// <summary>The largest body of a batch, in bytes.</summary>
    public const int MaxBatchBytes = 32 * 1024 * 1024;

    // What a body may have around its payload: the other fields at their bounds, and blanks.
    private const int MaxAroundPayload = 64 * 1024;

    public static void Map(RouteGroupBuilder queue)
    {
        queue.MapPost("/jobs", EnqueueAsync);
        queue.MapPost("/jobs/batch", EnqueueBatchAsync);
    }

    private static async Task<IResult> EnqueueAsync(string queue, HttpContext context, QueueDirectory queues)
    {
        var cancellationToken = context.RequestAborted;
        var target = await queues.FindAsync(queue, cancellationToken);
        using var body = await RequestBody.ReadAsync(context, queues.MaxPayloadBytes(queue) + MaxAroundPayload);
        var request = EnqueueBody.Read(body!.RootElement);
        var handle = await target.EnqueueRawAsync(request.Payload, request.Options, cancellationToken);
        var job = await handle.GetAsync(cancellationToken) ?? new Job { Id = handle.Id, Queue = queue, State = JobState.Queued };
        context.Response.Headers.Location = $"/api/queues/{Uri.EscapeDataString(queue)}/jobs/{Uri.EscapeDataString(handle.Id)}";
        return ApiJson.Ok(queues.Present(job), handle.Created ? StatusCodes.Status202Accepted : StatusCodes.Status200OK);
    }

    private static async Task<IResult> EnqueueBatchAsync(string queue, HttpContext context, QueueDirectory queues)
    {
        var cancellationToken = context.RequestAborted;
        var target = await queues.FindAsync(queue, cancellationToken);
        using var body = await RequestBody.ReadAsync(context, MaxBatchBytes);
        var handles = await target.EnqueueManyAsync(Requests(body!.RootElement), cancellationToken);
        var jobs = handles.Select(h => new BatchEntry(h.Id, h.Outcome.ToString().ToLowerInvariant())).ToArray();
        return ApiJson.Ok(new BatchAnswer(handles.Count(h => h.Created), jobs), StatusCodes.Status202Accepted);
    }

    private static List<EnqueueRequest> Requests(JsonElement body)
    {
        if (body.ValueKind != JsonValueKind.Array) throw ApiProblemException.InvalidField("", $"The body is no array; expected is an array of at most {IQueueClient.MaxBatch} jobs.");
        var count = body.GetArrayLength();
        if (count > IQueueClient.MaxBatch)
        {
            throw new ApiProblemException(StatusCodes.Status413PayloadTooLarge, "too_large", "There are too many jobs.", $"The body has {count} jobs; at most {IQueueClient.MaxBatch} are taken.");
        }

        return [.. body.EnumerateArray().Select((job, i) => EnqueueBody.Read(job, $"[{i}]."))];
    }
}

/// <summary>What became of a batch.</summary>
/// <param name="Created">Jobs that were made.</param>
/// <param name="Jobs">One for each job, in order.</param>
internal sealed record BatchAnswer(int Created, IReadOnlyList<BatchEntry> Jobs);

/// <summary>What became of one job of a batch.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Outcome">created, existing, conflict or cancelled.</param>
internal sealed record BatchEntry(string Id, string Outcome);

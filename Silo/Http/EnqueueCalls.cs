using System.Text.Json;
using Gristmill.Client;
using Gristmill.Grains.Options;
using Gristmill.Silo.Http.Document;
using Gristmill.Store;
using Microsoft.Extensions.Options;
using Microsoft.OpenApi;

namespace Gristmill.Silo.Http;

/// <summary>Enqueueing, one job or many.</summary>
internal static class EnqueueCalls
{
    private const string Tag = "Jobs";

    // What a body may have around its payload: the other fields at their bounds, and blanks.
    private const int MaxAroundPayload = 64 * 1024;

    public static void Map(RouteGroupBuilder queue)
    {
        queue.MapPost("/jobs", EnqueueAsync)
            .Describe(AccessRole.Operate, "enqueueJob", "Enqueues a job. One whose id is known already is not enqueued again.", Tag)
            .Reads(IdempotencyKey.Header, "The job's id, where the body has none.", Schemas.Text(1, 256), ParameterLocation.Header)
            .Takes(Schemas.Job(), true, "The job.").Produces<Job>(202).Produces<Job>(200).Fails(404).WithMetadata(new IsEnqueue());
        queue.MapPost("/jobs/batch", EnqueueBatchAsync)
            .Describe(AccessRole.Operate, "enqueueJobs", "Enqueues many jobs, in order. All are checked before the first is enqueued.", Tag)
            .Takes(Schemas.Batch(), true, "The jobs.").Produces<BatchAnswer>(202).Fails(404).WithMetadata(new IsEnqueue());
    }

    private static async Task<IResult> EnqueueAsync(string queue, HttpContext context, QueueDirectory queues)
    {
        var cancellationToken = context.RequestAborted;
        var target = await queues.FindAsync(queue, cancellationToken);
        using var body = await RequestBody.ReadAsync(context, queues.MaxPayloadBytes(queue) + MaxAroundPayload, option: $"Gristmill:Queues:{queue}:MaxPayloadBytes and {MaxAroundPayload} around it");
        var request = IdempotencyKey.Apply(RequestBody.Take(body!.RootElement, b => EnqueueBody.Read(b)), context.Request);
        var handle = await target.EnqueueRawAsync(request.Payload, request.Options, cancellationToken);
        var job = await QueueDirectory.DescribeAsync(target, handle, cancellationToken) ?? new Job { Id = handle.Id, Queue = queue, State = JobState.Queued };
        context.Response.Headers.Location = $"/api/queues/{Uri.EscapeDataString(queue)}/jobs/{Uri.EscapeDataString(handle.Id)}";
        return ApiJson.Ok(queues.Present(job), handle.Created ? StatusCodes.Status202Accepted : StatusCodes.Status200OK);
    }

    private static async Task<IResult> EnqueueBatchAsync(string queue, HttpContext context, QueueDirectory queues, IOptions<GristmillOptions> options)
    {
        IdempotencyKey.Refuse(context.Request);
        var limits = options.Value.Api;
        var cancellationToken = context.RequestAborted;
        var target = await queues.FindAsync(queue, cancellationToken);
        using var body = await RequestBody.ReadAsync(context, limits.MaxBatchBytes, option: "Gristmill:Api:MaxBatchBytes");
        var handles = await target.EnqueueManyAsync(RequestBody.Take(body!.RootElement, b => Requests(b, limits.MaxBatchJobs)), cancellationToken);
        var jobs = handles.Select(h => new BatchEntry(h.Id, h.Outcome.ToString().ToLowerInvariant())).ToArray();
        return ApiJson.Ok(new BatchAnswer(handles.Count(h => h.Created), jobs), StatusCodes.Status202Accepted);
    }

    private static List<EnqueueRequest> Requests(JsonElement body, int most)
    {
        if (body.ValueKind != JsonValueKind.Array) throw ApiProblemException.InvalidField("", $"The body is no array; expected is an array of at most {most} jobs.");
        var count = body.GetArrayLength();
        if (count > most)
        {
            throw new ApiProblemException(StatusCodes.Status413PayloadTooLarge, "too_large", "There are too many jobs.", $"The body has {count} jobs; at most {most} are taken (Gristmill:Api:MaxBatchJobs).");
        }

        return [.. body.EnumerateArray().Select((job, i) => EnqueueBody.Read(job, $"[{i}]."))];
    }
}

/// <summary>Marks the calls that there are most of.</summary>
internal sealed class IsEnqueue;

/// <summary>What became of a batch.</summary>
/// <param name="Created">Jobs that were made.</param>
/// <param name="Jobs">One for each job, in order.</param>
internal sealed record BatchAnswer(int Created, IReadOnlyList<BatchEntry> Jobs);

/// <summary>What became of one job of a batch.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Outcome">created, existing, conflict or cancelled.</param>
internal sealed record BatchEntry(string Id, string Outcome);

using System.Text.Json;
using Gristmill.Client;
using Gristmill.Grains.Options;
using Gristmill.Silo.Http.Access;
using Gristmill.Silo.Http.Document;
using Microsoft.OpenApi;

namespace Gristmill.Silo.Http;

/// <summary>One job, and pages of jobs.</summary>
internal static class JobCalls
{
    private const string Tag = "Jobs";
    private const int MaxBodyBytes = 64 * 1024;

    public static void Map(RouteGroupBuilder queue)
    {
        queue.MapGet("/jobs", ListAsync)
            .Describe(AccessRole.Read, "listJobs", "A page of jobs, newest first. A page can be short, or empty, and still have a cursor.", Tag)
            .Reads("state", "Only jobs in this state.", Schemas.State()).Pages().Produces<JobList>().Fails(404);
        queue.MapGet("/jobs/{id}", GetAsync).Describe(AccessRole.Read, "getJob", "A job as it stands.", Tag).Produces<Job>().Fails(404);
        queue.MapGet("/jobs/{id}/events", JobEventStream.WriteAsync)
            .Describe(AccessRole.Read, "watchJob", "The events of a job, from its state of now to its outcome: state with the job, progress with how far it is.", Tag)
            .Reads("Last-Event-ID", "The id of the last event that the reader has: a number, from which it is counted on, or end.", new OpenApiSchema { Type = JsonSchemaType.String }, ParameterLocation.Header)
            .Produces(200, typeof(string), "text/event-stream").Produces(204).Fails(404).WithMetadata(new EventStreamCall());
        queue.MapPost("/jobs/{id}/cancel", CancelAsync)
            .Describe(AccessRole.Operate, "cancelJob", "Cancels a job: at once where it waits, by telling its silo where it runs, and ahead where it has not come.", Tag)
            .Takes(Schemas.Reason(), false, "Why.").Produces<CancelAnswer>(202).Fails(404);
        queue.MapPost("/jobs/{id}/retry", RetryAsync)
            .Describe(AccessRole.Operate, "retryJob", "Gives an ended job another life, with fresh budgets and the same id.", Tag).Produces<Job>(202).Fails(404);
    }

    /// <summary>The problem of a job that is not there.</summary>
    public static ApiProblemException Unknown(string queue, string id) => new(
        StatusCodes.Status404NotFound, "unknown_job", "There is no such job.",
        $"The queue '{queue}' has no job '{id}': there was none, its record is no longer kept, or it was pushed to the list and not admitted yet.", "id");

    private static async Task<IResult> ListAsync(string queue, HttpContext context, QueueDirectory queues)
    {
        var request = context.Request;
        var (state, cursor, limit) = (QueryValues.State(request), QueryValues.Cursor(request), QueryValues.Limit(request));
        var target = await queues.FindAsync(queue, context.RequestAborted);
        var page = await QueryValues.PageAsync(() => target.ListAsync(state, cursor, limit, context.RequestAborted));
        return ApiJson.Ok(page with { Jobs = [.. page.Jobs.Select(queues.Present)] });
    }

    private static async Task<IResult> GetAsync(string queue, string id, QueueDirectory queues, CancellationToken cancellationToken)
    {
        var target = await queues.FindAsync(queue, cancellationToken);
        return await target.GetAsync(id, cancellationToken) is { } job ? ApiJson.Ok(queues.Present(job)) : throw Unknown(queue, id);
    }

    private static async Task<IResult> CancelAsync(string queue, string id, HttpContext context, QueueDirectory queues)
    {
        var target = await queues.FindAsync(queue, context.RequestAborted);
        using var body = await RequestBody.ReadAsync(context, MaxBodyBytes, optional: true);
        var outcome = await target.CancelAsync(id, body is null ? null : RequestBody.Take(body.RootElement, Reason), context.RequestAborted);
        if (outcome == CancelOutcome.Unknown) throw Unknown(queue, id);
        if (outcome == CancelOutcome.Ended) throw new ApiProblemException(StatusCodes.Status409Conflict, "ended", "The job has ended.", $"The job '{id}' has its outcome already; it cannot be cancelled.");
        var job = await target.GetAsync(id, context.RequestAborted);
        return ApiJson.Ok(new CancelAnswer(outcome.ToString().ToLowerInvariant(), job is null ? null : queues.Present(job)), StatusCodes.Status202Accepted);
    }

    private static string? Reason(JsonElement body)
    {
        if (body.ValueKind == JsonValueKind.Object && !body.TryGetProperty("reason", out _)) return null;
        return body.ValueKind == JsonValueKind.Object && body.GetProperty("reason") is { ValueKind: JsonValueKind.String } reason
            ? reason.GetString()
            : throw ApiProblemException.InvalidField("reason", "The field 'reason' is no string; expected is an object with a text of at most 256 characters.");
    }

    private static async Task<IResult> RetryAsync(string queue, string id, QueueDirectory queues, CancellationToken cancellationToken)
    {
        var target = await queues.FindAsync(queue, cancellationToken);
        return await target.RetryAsync(id, cancellationToken) switch
        {
            RequeueOutcome.Requeued when await target.GetAsync(id, cancellationToken) is { } job => ApiJson.Ok(queues.Present(job), StatusCodes.Status202Accepted),
            RequeueOutcome.Live => throw Live(id),
            _ => throw Unknown(queue, id),
        };
    }

    /// <summary>The problem of a job that has not ended.</summary>
    public static ApiProblemException Live(string id) => new(
        StatusCodes.Status409Conflict, "live", "The job has not ended.", $"The job '{id}' waits or runs; only an ended job can be given another life.");
}

/// <summary>What became of a wish to cancel.</summary>
/// <param name="Outcome">cancelled, requested or remembered.</param>
/// <param name="Job">The job; null when it has not come yet.</param>
internal sealed record CancelAnswer(string Outcome, Job? Job);

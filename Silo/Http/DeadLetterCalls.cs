using System.Text.Json;
using Gristmill.Client;
using Gristmill.Grains.Options;
using Gristmill.Silo.Http.Document;
using Microsoft.AspNetCore.Http.Features;

namespace Gristmill.Silo.Http;

/// <summary>The dead letters of a queue.</summary>
internal static class DeadLetterCalls
{
    private const string Tag = "Dead letters";
    private const int MaxAroundPayload = 64 * 1024;

    private static readonly string[] FilterFields = ["reason", "sessionId", "diedBefore", "diedSince"];

    public static void Map(RouteGroupBuilder queue)
    {
        queue.MapGet("/dead-letters", ListAsync).Describe(AccessRole.Read, "listDeadLetters", "A page of dead letters, newest first.", Tag).Pages().Produces<DeadLetterList>().Fails(404);
        queue.MapGet("/dead-letters/{id}", GetAsync).Describe(AccessRole.Read, "getDeadLetter", "A dead letter with its payload and its errors.", Tag).Produces<DeadLetter>().Fails(404);
        queue.MapPost("/dead-letters/{id}/requeue", RequeueAsync)
            .Describe(AccessRole.Operate, "requeueDeadLetter", "Makes a dead letter a ready job again, with fresh budgets.", Tag)
            .Takes(Schemas.Edit(), false, "The payload that replaces its own; no body keeps it.").Produces<Job>(202).Fails(404);
        queue.MapPost("/dead-letters/requeue", RequeueAllAsync)
            .Describe(AccessRole.Operate, "requeueDeadLetters", "Makes ready jobs of all dead letters that match, in batches.", Tag)
            .Takes(Schemas.Filter(), false, "Which; no body is all.").Produces<RequeuedAnswer>(202).Fails(404);
        queue.MapDelete("/dead-letters/{id}", PurgeAsync).Describe(AccessRole.Admin, "purgeDeadLetter", "Forgets a dead letter for good.", Tag).Produces(204).Fails(404);
        queue.MapDelete("/dead-letters", PurgeAllAsync)
            .Describe(AccessRole.Admin, "purgeDeadLetters", "Forgets all dead letters that match, in batches.", Tag)
            .Reads("reason", "Only those with this reason.", Schemas.DeadReason()).Reads("sessionId", "Only those of this session.", Schemas.Text(1, 256))
            .Reads("diedBefore", "Only those that died before.", Schemas.Time()).Reads("diedSince", "Only those that died then or later.", Schemas.Time())
            .Produces<PurgedAnswer>().Fails(404);
    }

    private static async Task<IResult> ListAsync(string queue, HttpContext context, QueueDirectory queues)
    {
        var (cursor, limit) = (QueryValues.Cursor(context.Request), QueryValues.Limit(context.Request));
        var target = await queues.FindAsync(queue, context.RequestAborted);
        return ApiJson.Ok(await QueryValues.PageAsync(() => target.DeadLetters.ListAsync(cursor, limit, context.RequestAborted)));
    }

    private static async Task<IResult> GetAsync(string queue, string id, QueueDirectory queues, CancellationToken cancellationToken)
    {
        var target = await queues.FindAsync(queue, cancellationToken);
        return ApiJson.Ok(await target.DeadLetters.GetAsync(id, cancellationToken) ?? throw Unknown(queue, id));
    }

    private static async Task<IResult> RequeueAsync(string queue, string id, HttpContext context, QueueDirectory queues)
    {
        var target = await queues.FindAsync(queue, context.RequestAborted);
        using var body = await RequestBody.ReadAsync(context, queues.MaxPayloadBytes(queue) + MaxAroundPayload, optional: true);
        return await target.DeadLetters.RequeueAsync(id, body is null ? null : RequestBody.Take(body.RootElement, Payload), context.RequestAborted) switch
        {
            RequeueOutcome.Requeued when await target.GetAsync(id, context.RequestAborted) is { } job => ApiJson.Ok(queues.Present(job), StatusCodes.Status202Accepted),
            RequeueOutcome.Live => throw JobCalls.Live(id),
            _ => throw Unknown(queue, id),
        };
    }

    private static async Task<IResult> RequeueAllAsync(string queue, HttpContext context, QueueDirectory queues)
    {
        var target = await queues.FindAsync(queue, context.RequestAborted);
        using var body = await RequestBody.ReadAsync(context, MaxAroundPayload, optional: true);
        var filter = body is null ? null : RequestBody.Take(body.RootElement, Filter);
        return ApiJson.Ok(new RequeuedAnswer(await target.DeadLetters.RequeueAllAsync(filter, context.RequestAborted)), StatusCodes.Status202Accepted);
    }

    private static async Task<IResult> PurgeAsync(string queue, string id, QueueDirectory queues, CancellationToken cancellationToken)
    {
        var target = await queues.FindAsync(queue, cancellationToken);
        return await target.DeadLetters.PurgeAsync(id, cancellationToken) ? Results.NoContent() : throw Unknown(queue, id);
    }

    private static async Task<IResult> PurgeAllAsync(string queue, HttpContext context, QueueDirectory queues)
    {
        var request = context.Request;
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true)
        {
            throw ApiProblemException.InvalidField("", $"The filter stands in the query ({string.Join(", ", FilterFields)}); a body would be passed over, and all be forgotten.");
        }

        var filter = Filter([.. request.Query.Keys], name => QueryValues.Text(request, name));
        var target = await queues.FindAsync(queue, context.RequestAborted);
        return ApiJson.Ok(new PurgedAnswer(await target.DeadLetters.PurgeAllAsync(filter, context.RequestAborted)));
    }

    private static ReadOnlyMemory<byte>? Payload(JsonElement body) =>
        body.ValueKind == JsonValueKind.Object && body.TryGetProperty("payload", out var payload)
            ? EnqueueBody.Raw(payload)
            : throw ApiProblemException.InvalidField("payload", "The field 'payload' is missing; expected is the payload that replaces the job's, or no body.");

    private static DeadLetterFilter Filter(JsonElement body)
    {
        if (body.ValueKind != JsonValueKind.Object) throw ApiProblemException.InvalidField("", $"The body is no object; expected is one with {string.Join(", ", FilterFields)}, or no body.");
        return Filter([.. body.EnumerateObject().Select(m => m.Name)], name => Text(body, name));
    }

    // An unknown field is refused rather than passed over: without its filter this would act on all.
    private static DeadLetterFilter Filter(IReadOnlyList<string> names, Func<string, string?> text)
    {
        if (names.FirstOrDefault(n => !FilterFields.Contains(n)) is { } unknown)
        {
            throw ApiProblemException.InvalidField(unknown, $"The field '{unknown}' is not known; known are {string.Join(", ", FilterFields)}.");
        }

        // So is an empty one: a script whose variable is empty does not mean all.
        if (names.FirstOrDefault(n => string.IsNullOrEmpty(text(n))) is { } empty)
        {
            throw ApiProblemException.InvalidField(empty, $"The field '{empty}' is empty; leave it out to act on all.");
        }

        return new DeadLetterFilter
        {
            Reason = Reason(text("reason")),
            SessionId = text("sessionId"),
            DiedBefore = QueryValues.Time("diedBefore", text("diedBefore")),
            DiedSince = QueryValues.Time("diedSince", text("diedSince")),
        };
    }

    // One that no dead letter can have is a slip: to answer that none matched would hide it.
    private static string? Reason(string? given) => given is null || DeadReasons.All.Contains(given)
        ? given
        : throw ApiProblemException.InvalidField("reason", $"The field 'reason' is '{given}'; expected is one of {string.Join(", ", DeadReasons.All)}.");

    private static string? Text(JsonElement body, string name)
    {
        if (!body.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null) return null;
        return value.ValueKind == JsonValueKind.String ? value.GetString() : throw ApiProblemException.InvalidField(name, $"The field '{name}' is no string.");
    }

    private static ApiProblemException Unknown(string queue, string id) => new(
        StatusCodes.Status404NotFound, "unknown_dead_letter", "There is no such dead letter.", $"The queue '{queue}' has no dead letter '{id}'.", "id");
}

/// <summary>How many dead letters are ready jobs again.</summary>
internal sealed record RequeuedAnswer(long Requeued);

/// <summary>How many dead letters were forgotten.</summary>
internal sealed record PurgedAnswer(long Purged);

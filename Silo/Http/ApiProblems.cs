using Gristmill.Client;
using Gristmill.Redis;
using Gristmill.Silo.Http.Access;
using Gristmill.Store;
using Microsoft.AspNetCore.Mvc;

namespace Gristmill.Silo.Http;

/// <summary>Turns exceptions into problem details (RFC 9457), in this one place. The type is <c>urn:gristmill:{code}</c>.</summary>
internal static class ApiProblems
{
    /// <summary>The filter of all calls.</summary>
    public static async ValueTask<object?> CatchAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            return await next(context);
        }
        catch (Exception e) when (!context.HttpContext.Response.HasStarted && From(e, context.HttpContext) is { } problem)
        {
            return problem;
        }
    }

    /// <summary>A problem as an answer.</summary>
    public static IResult Problem(int status, string code, string title, string detail, string? field = null, IEnumerable<KeyValuePair<string, object?>>? more = null)
    {
        var problem = new ProblemDetails { Status = status, Type = $"urn:gristmill:{code}", Title = title, Detail = detail };
        if (field is not null) problem.Extensions["field"] = field;
        foreach (var (name, value) in more ?? []) problem.Extensions[name] = value;
        return ApiJson.Of(problem, status, "application/problem+json");
    }

    /// <summary>The problem of an answer that has a status and says nothing: of the routing, and of the authorization.</summary>
    public static IResult OfStatus(HttpContext context)
    {
        var (status, path) = (context.Response.StatusCode, context.Request.Path.Value);
        return status switch
        {
            StatusCodes.Status401Unauthorized => Problem(
                status, "unauthorized", "Who are you?",
                "This call needs a valid key, sent as 'Authorization: Bearer KEY' or 'X-Api-Key: KEY'; gristmill keys new makes one."),
            StatusCodes.Status403Forbidden => Problem(
                status, "forbidden", "Your role does not allow it.",
                $"This call needs the role {Needed(context)}; yours is {CallerClaims.RoleOf(context.User)?.ToString().ToLowerInvariant() ?? "none"}."),
            StatusCodes.Status404NotFound => Problem(status, "unknown_call", "There is no such call.", $"There is nothing at {path}; GET /openapi/v1.json lists the calls, and /docs shows them to people."),
            StatusCodes.Status405MethodNotAllowed => Problem(
                status, "method_not_allowed", "The method is not allowed here.", $"{context.Request.Method} {path} is no call; allowed here is {context.Response.Headers.Allow}."),
            _ => Problem(status, "http", Microsoft.AspNetCore.WebUtilities.ReasonPhrases.GetReasonPhrase(status), $"{context.Request.Method} {path} ended with the status {status}."),
        };
    }

    private static string Needed(HttpContext context) =>
        (context.GetEndpoint()?.Metadata.GetMetadata<CallRole>()?.Role ?? Grains.Options.AccessRole.Read).ToString().ToLowerInvariant();

    private static IResult? From(Exception exception, HttpContext context) => exception switch
    {
        ApiProblemException e => Problem(e.Status, e.Code, e.Title, e.Message, e.Field),
        InvalidJobException e => Problem(
            e.Reason == "too_large" ? StatusCodes.Status413PayloadTooLarge : StatusCodes.Status400BadRequest,
            e.Reason, "The job is not valid.", e.Message, e.Index is { } i ? $"[{i}].{e.Field}" : e.Field),
        JobConflictException e => Problem(StatusCodes.Status409Conflict, "id_conflict", "The id belongs to another job.", e.Message, "id"),
        JobNotFoundException e => Problem(StatusCodes.Status404NotFound, "unknown_job", "There is no such job.", e.Message, "id"),
        QueueFullException e => Full(e, context),
        EnqueueFailedException e => Problem(
            StatusCodes.Status503ServiceUnavailable, "enqueue_failed", "The jobs could not all be enqueued.", e.Message, null, Accepted(e)),
        WrongTypeException e => Problem(
            StatusCodes.Status409Conflict, "wrong_key_type", "A key in Redis is not Gristmill's.", e.Message, null, [new("key", e.Key)]),
        SchemaException e => Problem(StatusCodes.Status503ServiceUnavailable, "schema", "The queue was written by another version.", e.Message),
        RedisException e => Problem(StatusCodes.Status503ServiceUnavailable, "redis_unavailable", "Redis did not do it.", e.Message, null, [new("mayHaveExecuted", e.MayHaveExecuted)]),
        InvalidOperationException e when e.Message.Contains(nameof(GristmillClientOptions.MaxWatchers), StringComparison.Ordinal) =>
            Problem(StatusCodes.Status429TooManyRequests, "too_many_watchers", "Too many jobs are watched.", e.Message),
        BadHttpRequestException e => Problem(e.StatusCode, "bad_request", "The request is not valid.", e.Message),
        _ => null,
    };

    private static IResult Full(QueueFullException e, HttpContext context)
    {
        context.Response.Headers.RetryAfter = "1";
        return Problem(StatusCodes.Status429TooManyRequests, "queue_full", "The queue is full.", e.Message, null, Accepted(e));
    }

    private static IEnumerable<KeyValuePair<string, object?>> Accepted(EnqueueFailedException e) =>
        [new("enqueued", e.Enqueued.Select(h => h.Id).ToArray()), new("uncertain", e.Uncertain)];
}

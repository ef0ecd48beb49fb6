using Gristmill.Client;

namespace Gristmill.Silo.Http;

/// <summary>Sessions: how far they are, their ordered results, and how they end.</summary>
internal static class SessionCalls
{
    public static void Map(RouteGroupBuilder sessions)
    {
        sessions.MapGet("", ListAsync);
        sessions.MapGet("/{id}", GetAsync);
        sessions.MapGet("/{id}/jobs", JobsAsync);
        sessions.MapPost("/{id}/end", (string queue, string id, QueueDirectory queues, CancellationToken stop) => MoveAsync(queue, id, queues, s => s.EndAsync(id, stop), stop));
        sessions.MapPost("/{id}/cancel", (string queue, string id, QueueDirectory queues, CancellationToken stop) => MoveAsync(queue, id, queues, s => s.CancelAsync(id, stop), stop));
    }

    private static async Task<IResult> ListAsync(string queue, HttpContext context, QueueDirectory queues)
    {
        var (cursor, limit) = (QueryValues.Cursor(context.Request), QueryValues.Limit(context.Request));
        var target = await queues.FindAsync(queue, context.RequestAborted);
        return ApiJson.Ok(await QueryValues.PageAsync(() => target.Sessions.ListAsync(cursor, limit, context.RequestAborted)));
    }

    private static async Task<IResult> GetAsync(string queue, string id, QueueDirectory queues, CancellationToken cancellationToken)
    {
        var target = await queues.FindAsync(queue, cancellationToken);
        return ApiJson.Ok(await target.Sessions.GetAsync(id, cancellationToken) ?? throw Unknown(queue, id));
    }

    private static async Task<IResult> JobsAsync(string queue, string id, HttpContext context, QueueDirectory queues)
    {
        var (cursor, limit) = (QueryValues.Cursor(context.Request), QueryValues.Limit(context.Request));
        var target = await queues.FindAsync(queue, context.RequestAborted);
        if (await target.Sessions.GetAsync(id, context.RequestAborted) is null) throw Unknown(queue, id);
        return ApiJson.Ok(await QueryValues.PageAsync(() => target.Sessions.JobsAsync(id, cursor, limit, context.RequestAborted)));
    }

    private static async Task<IResult> MoveAsync(string queue, string id, QueueDirectory queues, Func<ISessions, Task<SessionVerdict>> move, CancellationToken cancellationToken)
    {
        var target = await queues.FindAsync(queue, cancellationToken);
        return await move(target.Sessions) switch
        {
            SessionVerdict.Accepted when await target.Sessions.GetAsync(id, cancellationToken) is { } session => ApiJson.Ok(session, StatusCodes.Status202Accepted),
            SessionVerdict.Over => throw new ApiProblemException(StatusCodes.Status409Conflict, "session_over", "The session is over.", $"The session '{id}' of the queue '{queue}' is over, or on its way to another end.", "id"),
            _ => throw Unknown(queue, id),
        };
    }

    private static ApiProblemException Unknown(string queue, string id) =>
        new(StatusCodes.Status404NotFound, "unknown_session", "There is no such session.", $"The queue '{queue}' has no session '{id}': none of its jobs named it, it is forgotten by now, or the queue has no Sessions.", "id");
}

using Gristmill.Client;
using Gristmill.Grains.Options;
using Gristmill.Silo.Http.Document;

namespace Gristmill.Silo.Http;

/// <summary>Sessions: how far they are, their ordered results, and how they end.</summary>
internal static class SessionCalls
{
    private const string Tag = "Sessions";

    public static void Map(RouteGroupBuilder sessions)
    {
        sessions.MapGet("", ListAsync).Describe(AccessRole.Read, "listSessions", "A page of sessions, in no order; a page may have a few more than its limit.", Tag).Pages().Produces<SessionList>().Fails(404);
        sessions.MapGet("/{id}", GetAsync).Describe(AccessRole.Read, "getSession", "How far a session is.", Tag).Produces<Session>().Fails(404);
        sessions.MapGet("/{id}/jobs", JobsAsync).Describe(AccessRole.Read, "listSessionJobs", "The jobs of a session in its order, with their results.", Tag).Pages().Produces<SessionJobList>().Fails(404);
        Move(sessions, "end", "Ends a session: what has come is worked off, and then it is over.", (s, id, stop) => s.EndAsync(id, stop));
        Move(sessions, "cancel", "Cancels a session with all that it holds.", (s, id, stop) => s.CancelAsync(id, stop));
    }

    private static void Move(RouteGroupBuilder sessions, string verb, string summary, Func<ISessions, string, CancellationToken, Task<SessionVerdict>> move) => sessions
        .MapPost($"/{{id}}/{verb}", (string queue, string id, QueueDirectory queues, CancellationToken stop) => MoveAsync(queue, id, queues, s => move(s, id, stop), stop))
        .Describe(AccessRole.Operate, $"{verb}Session", summary, Tag).Produces<Session>(202).Fails(404);

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

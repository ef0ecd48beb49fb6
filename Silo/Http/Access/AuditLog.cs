using Gristmill.Silo.Commands;

namespace Gristmill.Silo.Http.Access;

/// <summary>
/// Says who changed what: one line for each call that is no reading, with its outcome, also where it was refused. Enqueueing
/// has a category of its own, since there is so much of it, and is said only where callers have names. No bodies, no headers:
/// nothing secret can get in.
/// </summary>
internal sealed partial class AuditLog(ILoggerFactory loggers, AccessKeys keys)
{
    private readonly ILogger _changes = loggers.CreateLogger("Gristmill.Audit");
    private readonly ILogger _enqueues = loggers.CreateLogger("Gristmill.Audit.Enqueue");

    public async Task FollowAsync(HttpContext context, RequestDelegate next)
    {
        var status = StatusCodes.Status500InternalServerError;
        try
        {
            await next(context);
            status = context.Response.StatusCode;
        }
        finally
        {
            var request = context.Request;
            if (!HttpMethods.IsGet(request.Method) && context.GetEndpoint() is RouteEndpoint call && call.Metadata.GetMetadata<CallRole>() is not null) Say(context, call, status);
        }
    }

    private void Say(HttpContext context, RouteEndpoint call, int status)
    {
        var caller = CallerClaims.NameOf(context.User);
        var isEnqueue = call.Metadata.GetMetadata<IsEnqueue>() is not null;
        var log = isEnqueue ? _enqueues : _changes;

        // Strangers could fill the log.
        var level = (caller is null && !keys.IsOpen) || (isEnqueue && keys.IsOpen) ? LogLevel.Debug : LogLevel.Information;
        if (!log.IsEnabled(level)) return;
        LogCall(
            log, level, Plain.Text(Plain.OneLine(caller ?? (keys.IsOpen ? "anybody" : "nobody"))), CallerClaims.RoleOf(context.User)?.ToString() ?? "none", context.Request.Method,
            call.RoutePattern.RawText ?? "?", Value(context, "queue"), Value(context, "id"), status);
    }

    private static string Value(HttpContext context, string name) =>
        context.Request.RouteValues.TryGetValue(name, out var value) && value is string text ? Plain.Text(Plain.OneLine(text)) : "-";

    [LoggerMessage(EventId = 1210, Message = "{Caller} ({Role}) called {Method} {Call}: queue {Queue}, id {Id}: {Status}.")]
    private static partial void LogCall(ILogger log, LogLevel level, string caller, string role, string method, string call, string queue, string id, int status);
}

using System.Collections;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Handlers;

/// <summary>
/// Puts the job's scope around each line, not around the attempt: an attempt that logs nothing pays nothing, and the
/// scope is there on whatever thread or async path the line is written.
/// </summary>
internal sealed class JobLogger(ILogger inner, JobLogScope scope) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => inner.BeginScope(state);

    public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(logLevel);

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!inner.IsEnabled(logLevel))
        {
            return;
        }

        using (inner.BeginScope(scope))
        {
            inner.Log(logLevel, eventId, state, exception, formatter);
        }
    }
}

/// <summary>The fields that every log line of a job carries.</summary>
internal sealed class JobLogScope(JobAttempt attempt) : IReadOnlyList<KeyValuePair<string, object?>>
{
    public int Count => 5;

    public KeyValuePair<string, object?> this[int index] => index switch
    {
        0 => new("Queue", attempt.Queue),
        1 => new("JobId", attempt.JobId),
        2 => new("SessionId", attempt.SessionId),
        3 => new("Attempt", attempt.Attempt),
        4 => new("TraceId", TraceId(attempt.TraceParent)),
        _ => throw new ArgumentOutOfRangeException(nameof(index)),
    };

    public IEnumerator<KeyValuePair<string, object?>> GetEnumerator()
    {
        for (var i = 0; i < Count; i++)
        {
            yield return this[i];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public override string ToString() =>
        $"queue {attempt.Queue} job {attempt.JobId} session {attempt.SessionId ?? "-"} attempt {attempt.Attempt} " +
        $"trace {TraceId(attempt.TraceParent) ?? "-"}";

    /// <summary>The trace id of a W3C traceparent: <c>00-{32 hex}-{16 hex}-{2 hex}</c>.</summary>
    private static string? TraceId(string? traceParent) =>
        traceParent is { Length: >= 55 } && traceParent[2] == '-' && traceParent[35] == '-' ? traceParent[3..35] : null;
}

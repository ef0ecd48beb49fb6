using System.Text;
using System.Text.Unicode;
using Gristmill.Grains.Handlers;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Workers;

/// <summary>What comes from the worker, on the threads that read its pipes.</summary>
internal sealed partial class WorkerProcess
{
    /// <summary>As much of a line that is no message as helps to see where it comes from.</summary>
    private const int MaxGarbageBytes = 200;

    private bool OnLine(ReadOnlySpan<byte> line)
    {
        Volatile.Write(ref _heardAt, _pool.Time.GetTimestamp());
        if (!WorkerMessage.TryRead(line, out var message))
        {
            return OnBrokenAnswer(message) || OnGarbage(line);
        }

        _garbageInARow = 0;
        if (message.GpuMemoryMiB > 0)
        {
            _owner.OnGpuMemory(this, message.GpuMemoryMiB);
        }

        switch (message.Type)
        {
            case WorkerMessageType.Result:
                EndJob(message.Id, ResultOf(message, line[message.Result]));
                break;
            case WorkerMessageType.Error:
                OnError(message);
                break;
            case WorkerMessageType.Progress:
                OnProgress(message);
                break;
            case WorkerMessageType.Log:
                OnLog(message);
                break;
            case WorkerMessageType.Ready:
                OnReady(message);
                break;
            case WorkerMessageType.Heartbeat:
                break;
            default:
                _pool.Counters.Ignored();
                break;
        }

        return true;
    }

    private void OnReady(in WorkerMessage message)
    {
        if (message.Protocol != WorkerProtocol.Version)
        {
            Kill(WorkerEnd.WrongProtocol);
            return;
        }

        lock (_gate)
        {
            if (_state != WorkerState.Starting)
            {
                return;
            }

            _state = WorkerState.Idle;
            _promisedHeartbeat = message.Heartbeat;
            _watchesSilo = message.Watch;
            BatchSize = (int)Math.Clamp(message.Batch, 1, Options.BatchSize);
            WasReady = true;
        }

        Log.Ready(_pool.Logger, _label, ProcessId, _pool.Time.GetElapsedTime(_startedAt).TotalMilliseconds);
        _owner.OnReady(this);
    }

    private AttemptResult ResultOf(in WorkerMessage message, ReadOnlySpan<byte> json) =>
        json.IsEmpty ? AttemptResult.Completed.WithoutResult
        : message.ResultDepth > WorkerProtocol.MaxResultDepth ? AttemptResult.Failure(
            AttemptErrorKind.Fatal, "ResultTooDeep",
            $"The result is nested {message.ResultDepth} levels deep; at most {WorkerProtocol.MaxResultDepth} are taken.")
        : json.Length > _pool.MaxResultBytes ? ResultBounds.TooLarge(_pool.MaxResultBytes)
        : !Utf8.IsValid(json) ? AttemptResult.Failure(AttemptErrorKind.Retry, "InvalidResult", "The result is no valid UTF-8.")
        : new AttemptResult.Completed(json.ToArray());

    private void OnProgress(in WorkerMessage message)
    {
        if (CurrentJob(message.Id) is not { } job)
        {
            return;
        }

        lock (_gate)
        {
            _movedAt = _pool.Time.GetTimestamp();
        }

        job.Progress.Report(message.Done, message.Total, Bounded(message.Text));
    }

    private void OnError(in WorkerMessage message)
    {
        if (message.Kind == "cancelled" && CurrentJob(message.Id) is { CancelRequested: true })
        {
            EndJob(message.Id, AttemptResult.Cancelled.Instance);
            return;
        }

        var kind = message.Kind switch
        {
            "fatal" => AttemptErrorKind.Fatal,
            "oom" => AttemptErrorKind.OutOfMemory,
            _ when ExceptionOutcome.SaysOutOfMemory(message.Text) => AttemptErrorKind.OutOfMemory,
            _ => AttemptErrorKind.Retry,
        };
        EndJob(message.Id, AttemptResult.Failure(
            kind, message.ErrorType ?? "WorkerError", message.Text ?? "The worker gave no message.", message.Detail));
    }

    private void OnLog(in WorkerMessage message)
    {
        var level = message.Level switch
        {
            "trace" => LogLevel.Trace,
            "debug" => LogLevel.Debug,
            "warning" => LogLevel.Warning,
            "error" => LogLevel.Error,
            "critical" => LogLevel.Critical,
            _ => LogLevel.Information,
        };
        if (_pool.Logger.IsEnabled(level) && _logBudget.TryTake())
        {
            var logger = CurrentJob(message.Id) is { } job ? new JobLogger(_pool.Logger, new JobLogScope(job.Attempt)) : _pool.Logger;
            Log.Said(logger, level, _label, PlainText.OneLine(Bounded(message.Text)));
        }
    }

    /// <summary>An answer to the job that runs, which is no JSON from some place on (NaN, two threads that write at once): no other will come.</summary>
    private bool OnBrokenAnswer(in WorkerMessage message)
    {
        if (message.Fault is null || message.Type is not (WorkerMessageType.Result or WorkerMessageType.Error) || CurrentJob(message.Id) is null)
        {
            return false;
        }

        EndJob(message.Id, AttemptResult.Failure(
            AttemptErrorKind.Retry, "InvalidResult", $"The worker's answer {message.Fault}"));
        return true;
    }

    private bool OnGarbage(ReadOnlySpan<byte> line)
    {
        _pool.Counters.Garbage();
        if (_logBudget.TryTake())
        {
            Log.Garbage(_pool.Logger, _label, PlainText.OneLine(Encoding.UTF8.GetString(line[..Math.Min(line.Length, MaxGarbageBytes)])));
        }

        if (++_garbageInARow < WorkerProtocol.MaxGarbageInARow)
        {
            return true;
        }

        Kill(WorkerEnd.TooMuchGarbage);
        return false;
    }

    private void OnStdoutEnd(LineReaderEnd end)
    {
        if (end == LineReaderEnd.LineTooLong)
        {
            Kill(WorkerEnd.LineTooLong);
        }
        else
        {
            OnPipeClosed(WorkerEnd.StdoutClosed);
        }
    }

    /// <summary>Most likely it is exiting: wait a little, so that its own exit status is what is told.</summary>
    private void OnPipeClosed(WorkerEnd end)
    {
        lock (_gate)
        {
            if (_state == WorkerState.Exited)
            {
                return;
            }

            _state = WorkerState.Ending;
            if (!_escalation.IsPending)
            {
                _escalation = Escalation.Terminated(_pool.Time.GetTimestamp(), ExitAfterStdout, end);
            }
        }
    }

    private void OnStderrLine(ReadOnlySpan<byte> line)
    {
        if (_pool.Logger.IsEnabled(LogLevel.Information) && _logBudget.TryTake())
        {
            Log.Stderr(_pool.Logger, _label, PlainText.OneLine(Encoding.UTF8.GetString(line)));
        }
    }

    /// <summary>A logger or a progress sink threw: without its reader the worker is of no use.</summary>
    private void OnReaderFault(Exception error)
    {
        Log.ReaderFault(_pool.Logger, error, _label);
        Kill(WorkerEnd.ReaderFault);
    }

    private WorkerJob? CurrentJob(long id)
    {
        lock (_gate)
        {
            return _jobs.GetValueOrDefault(id);
        }
    }

    private static string? Bounded(string? text) => text is null ? null : BoundedText.Head(text, WorkerProtocol.MaxTextChars);
}

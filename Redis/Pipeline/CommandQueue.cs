using System.Buffers;

namespace Gristmill.Redis;

/// <summary>What the reader must do after an answer.</summary>
internal enum Drained
{
    /// <summary>Go on.</summary>
    No,

    /// <summary>All refused script calls are back in line; the writer goes on with them.</summary>
    ScriptsLost,

    /// <summary>Nothing is in flight and the server turned read-only: connect anew.</summary>
    ReadOnly,
}

/// <summary>
/// The commands of the shared connection, waiting and in flight, and every rule about them; no input or output of its own.
/// Called by: callers (<see cref="Enqueue"/>), the writer (<see cref="TakeBatch"/>), the reader (<see cref="Answer"/>), the
/// timer (<see cref="Sweep"/>), and the connection loop (<see cref="LinkUp"/>, <see cref="LinkDown"/>).
/// It guarantees: order of issue is order of sending; count and bytes stay within their bounds; each command is finished
/// once, with a reply or an exception that says truly whether it may have been executed; a late reply of a command whose
/// caller has given up answers nobody else.
/// Scripts (<see cref="ScriptWindow"/>): when the server loses its scripts, all calls by hash from there on are refused, the
/// writer pauses until everything in flight has been answered, and the refused go first, in their order, with their bodies.
/// </summary>
internal sealed class CommandQueue(RedisOptions options, TimeProvider time, Func<RedisException> unavailable)
{
    /// <summary>How many bytes one write to the socket gathers, beyond the first command.</summary>
    private const int BatchBytes = 256 << 10;

    private readonly Lock _gate = new();
    private readonly Queue<PendingCommand> _refused = new();
    private readonly Queue<PendingCommand> _sent = new();
    private readonly ScriptWindow _scripts = new();
    private readonly SemaphoreSlim _work = new(0);
    private Queue<PendingCommand> _waiting = new();
    private Drained _hold;
    private bool _up;
    private bool _writerIdle;
    private int _finishedInLine;
    private int _count;
    private long _bytes;
    private long _received;
    private RedisException? _closed;

    /// <summary>Adds a command, or says why not. Synchronous, so that the order of calls is the order of sending.</summary>
    public RedisException? Enqueue(PendingCommand command)
    {
        lock (_gate)
        {
            if (_closed is not null)
            {
                return _closed;
            }

            if (_count >= options.MaxInFlight || _bytes + command.Size > options.MaxBacklogBytes)
            {
                return Full(command);
            }

            _count++;
            _bytes += command.Size;
            _waiting.Enqueue(command);
            WakeWriter();
            return null;
        }
    }

    public Task WaitForWorkAsync(CancellationToken cancellationToken) => _work.WaitAsync(cancellationToken);

    /// <summary>Moves what goes out next into a batch. False, and the writer is to wait, when there is nothing.</summary>
    public bool TakeBatch(List<PendingCommand> batch)
    {
        batch.Clear();
        lock (_gate)
        {
            var bytes = 0L;
            while (_hold == Drained.No && bytes < BatchBytes && (_refused.TryPeek(out var command) || _waiting.TryPeek(out command)))
            {
                if (command.State != PendingState.Done && !_scripts.MayGo(command, out var check))
                {
                    if (check is not null)
                    {
                        _count++;
                        _bytes += check.Size;
                        Take(check, batch);
                    }

                    break;
                }

                (_refused.Count > 0 ? _refused : _waiting).Dequeue();
                if (command.State == PendingState.Done)
                {
                    _finishedInLine--;
                    continue;
                }

                Take(command, batch);
                bytes += command.Size;
            }

            _writerIdle = batch.Count == 0;
            return batch.Count > 0;
        }
    }

    /// <summary>Writes a batch in wire form. Outside the lock: what is in flight is not touched by others until it is written.</summary>
    public void Render(List<PendingCommand> batch, ArrayBufferWriter<byte> output)
    {
        foreach (var command in batch)
        {
            if (command.Script is { } script)
            {
                RespWriter.Script(output, script, command.Keys, command.Arguments, command.WithBody);
            }
            else
            {
                RespWriter.Command(output, command.Arguments);
                command.Arguments.Release();
            }
        }

        lock (_gate)
        {
            foreach (var command in batch)
            {
                command.Written = true;
            }
        }
    }

    /// <summary>Gives a reply to the command it belongs to.</summary>
    /// <exception cref="RedisProtocolException">There is none.</exception>
    public Drained Answer(RedisReply reply)
    {
        lock (_gate)
        {
            _received = time.GetTimestamp();
            if (!_sent.TryPeek(out var command) || !command.Written)
            {
                throw new RedisProtocolException("The server sent a reply to no command.");
            }

            _sent.Dequeue();
            if (_scripts.Landed(command, reply))
            {
                WakeWriter();
            }

            if (reply.IsError)
            {
                Refuse(command, reply.AsString());
            }
            else
            {
                Finish(command, reply, null);
            }

            return _sent.Count == 0 && _hold != Drained.No ? Drain() : Drained.No;
        }
    }

    /// <summary>Answers the callers whose time is over.</summary>
    /// <returns>True when the connection is stuck: the first in flight is long overdue and nothing has come.</returns>
    public bool Sweep()
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            ExpireWaiting(_refused, now);
            ExpireWaiting(_waiting, now);
            if (_finishedInLine > 0)
            {
                _waiting = new Queue<PendingCommand>(_waiting.Where(c => c.State != PendingState.Done));
                _finishedInLine = _refused.Count(c => c.State == PendingState.Done);
            }

            foreach (var command in _sent)
            {
                if (command.State == PendingState.Sent && command.Deadline <= now)
                {
                    Abandon(command, new RedisTimeoutException($"No reply to {command.Name} within its time limit; it may have been executed."));
                }
            }

            return _up && _sent.TryPeek(out var first) && Overdue(first.Deadline, now) && Overdue(_received, now);
        }
    }

    /// <summary>Cancels one command for its caller.</summary>
    public void Cancel(PendingCommand command, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            var cancelled = new OperationCanceledException(cancellationToken);
            if (command.State == PendingState.Waiting)
            {
                FinishInLine(command, cancelled);
            }
            else if (command.State == PendingState.Sent)
            {
                Abandon(command, cancelled);
            }
        }
    }

    /// <summary>A new connection is there: it knows no scripts for sure, and takes what waits.</summary>
    public void LinkUp()
    {
        lock (_gate)
        {
            _scripts.Reset();
            _hold = Drained.No;
            _writerIdle = false;
            _received = time.GetTimestamp();
            _up = true;
        }
    }

    /// <summary>The connection is gone and neither writer nor reader runs: what was in flight has an unknown outcome.</summary>
    public void LinkDown(Func<RedisException> lost)
    {
        lock (_gate)
        {
            _up = false;
            _hold = Drained.No;
            while (_sent.TryDequeue(out var command))
            {
                Finish(command, default, command.State == PendingState.Sent ? lost() : null);
            }
        }
    }

    /// <summary>Fails all that waits, now rather than at its time limit.</summary>
    public void FailWaiting(Func<RedisException> error)
    {
        lock (_gate)
        {
            foreach (var command in _refused.Concat(_waiting))
            {
                if (command.State == PendingState.Waiting)
                {
                    FinishInLine(command, error());
                }
            }

            _refused.Clear();
            _waiting.Clear();
            _finishedInLine = 0;
        }
    }

    /// <summary>Fails all that waits and all that comes.</summary>
    public void Close(RedisException error)
    {
        lock (_gate)
        {
            _closed = error;
            FailWaiting(() => error);
        }
    }

    private void Take(PendingCommand command, List<PendingCommand> batch)
    {
        command.State = PendingState.Sent;
        command.Written = false;
        _sent.Enqueue(command);
        batch.Add(command);
    }

    private void Refuse(PendingCommand command, string text)
    {
        var code = RedisErrorCode.Of(text, command.Script is not null);
        if (code == RedisErrorCode.NoScript && command is { Script: not null, WithBody: false, State: PendingState.Sent })
        {
            command.State = PendingState.Waiting;
            _refused.Enqueue(command);
            _hold = _hold == Drained.ReadOnly ? _hold : Drained.ScriptsLost;
            return;
        }

        if (code == RedisErrorCode.ReadOnly)
        {
            _hold = Drained.ReadOnly;
        }

        Finish(command, default, new RedisServerException(code, text));
    }

    private Drained Drain()
    {
        var drained = _hold;
        if (drained == Drained.ScriptsLost)
        {
            _hold = Drained.No;
            _scripts.Reset();
            WakeWriter();
        }

        return drained;
    }

    private void WakeWriter()
    {
        if (_writerIdle)
        {
            _writerIdle = false;
            _work.Release();
        }
    }

    private bool Overdue(long since, long now) => time.GetElapsedTime(since, now) >= options.CommandTimeout;

    private void ExpireWaiting(Queue<PendingCommand> line, long now)
    {
        foreach (var command in line)
        {
            if (command.State == PendingState.Waiting && command.Deadline <= now)
            {
                FinishInLine(command, unavailable());
            }
        }
    }

    /// <summary>Answers the caller of a command that keeps its place in flight.</summary>
    private static void Abandon(PendingCommand command, Exception error)
    {
        command.State = PendingState.Abandoned;
        Complete(command, default, error);
    }

    /// <summary>Finishes a command that still stands in a line; its empty shell leaves with the next sweep.</summary>
    private void FinishInLine(PendingCommand command, Exception error)
    {
        _finishedInLine++;
        Finish(command, default, error);
    }

    private void Finish(PendingCommand command, RedisReply reply, Exception? error)
    {
        var answered = command.State == PendingState.Abandoned;
        command.State = PendingState.Done;
        command.Arguments.Release();
        _count--;
        _bytes -= command.Size;
        if (!answered)
        {
            Complete(command, reply, error);
        }
    }

    private static void Complete(PendingCommand command, RedisReply reply, Exception? error)
    {
        command.Cancellation.Unregister();
        if (error is null)
        {
            command.TrySetResult(reply);
        }
        else if (error is OperationCanceledException cancelled)
        {
            command.TrySetCanceled(cancelled.CancellationToken);
        }
        else
        {
            command.TrySetException(error);
        }
    }

    private RedisException Full(PendingCommand command)
    {
        if (!_up)
        {
            return unavailable();
        }

        return new RedisUnavailableException(_count >= options.MaxInFlight
            ? $"{command.Name} was not sent: {_count} commands are in flight, {nameof(options.MaxInFlight)} is {options.MaxInFlight}."
            : $"{command.Name} was not sent: {command.Size} bytes on top of {_bytes} in flight, {nameof(options.MaxBacklogBytes)} is {options.MaxBacklogBytes}.");
    }
}

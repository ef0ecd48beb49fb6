using System.Buffers;
using System.Diagnostics;
using Gristmill.Grains.Processes;

namespace Gristmill.Grains.Workers;

/// <summary>
/// A child process and its three pipes: starts it in a session of its own, sends lines, reads lines, and tells of its
/// end once all that it started is dead and its last output has been read. Knows nothing of jobs.
/// </summary>
internal sealed class WorkerChannel : IDisposable
{
    /// <summary>A grandchild that hid from the group and the mark may hold the pipes open; what it still writes is not waited for.</summary>
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(2);

    private readonly Process _process = new() { EnableRaisingEvents = true };
    private readonly ProcessGuard _guard;
    private readonly ProcessMark _mark;
    private readonly TimeProvider _time;
    private readonly TaskCompletionSource<int> _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _stdoutRead = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _stderrRead = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim _sending = new(1, 1);
    private readonly ArrayBufferWriter<byte> _line = new(1024);
    private volatile bool _dead;

    public WorkerChannel(WorkerOptions options, ProcessGuard guard, TimeProvider time, IEnumerable<(string Name, string Value)> environment)
    {
        _guard = guard;
        _mark = guard.NewMark();
        _time = time;
        Tail = new StderrTail(options.StderrTailLines);
        _process.StartInfo = StartInfo(options, environment.Append((ProcessMark.Variable, _mark.Value)));
    }

    /// <summary>Also the id of its session and its process group.</summary>
    public int ProcessId { get; private set; }

    public StderrTail Tail { get; }

    /// <summary>How many processes the worker left behind that were not in its group; known once it has <see cref="Exited"/>.</summary>
    public int Strays { get; private set; }

    /// <summary>The exit status (128 + signal for a signal), once the group is dead and the output read.</summary>
    public Task<int> Exited => _exited.Task;

    /// <summary>Whether a line is on its way to the worker, perhaps for long, since it does not read.</summary>
    public bool IsSending => _sending.CurrentCount == 0;

    /// <summary>Starts process and readers.</summary>
    /// <exception cref="System.ComponentModel.Win32Exception">The system refuses to start it.</exception>
    public void Start(
        int maxLineBytes, LineHandler onLine, Action<LineReaderEnd> onStdoutEnd, Action<ReadOnlySpan<byte>> onStderrLine, Action<Exception> onFault)
    {
        _process.Exited += (_, _) => _ = FinishAsync();
        _process.Start();
        ProcessId = _process.Id;
        _guard.Watch(ProcessId);
        StartReader("out", _stdoutRead, () =>
            onStdoutEnd(new LineReader(_process.StandardOutput.BaseStream, maxLineBytes).Run(onLine)), onFault);
        StartReader("err", _stderrRead, () =>
            new LineReader(_process.StandardError.BaseStream, StderrTail.MaxLineBytes, forLogs: true).Run(line =>
            {
                if (!line.IsEmpty)
                {
                    Tail.Add(line);
                    onStderrLine(line);
                }

                return true;
            }), onFault);
    }

    /// <summary>Sends what <paramref name="write"/> writes. False when the worker no longer reads.</summary>
    public async ValueTask<bool> SendAsync<TState>(Action<ArrayBufferWriter<byte>, TState> write, TState state, int maxBytes)
    {
        await _sending.WaitAsync().ConfigureAwait(false);
        try
        {
            write(_line, state);
            if (_line.WrittenCount > maxBytes)
            {
                throw new LineTooLongException();
            }

            await _process.StandardInput.BaseStream.WriteAsync(_line.WrittenMemory).ConfigureAwait(false);
            return true;
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException or InvalidOperationException)
        {
            return false;
        }
        finally
        {
            _line.ResetWrittenCount();
            _sending.Release();
        }
    }

    public void Signal(int signal)
    {
        if (!_dead)
        {
            ProcessGroup.Signal(ProcessId, signal);
        }
    }

    /// <summary>Closes the pipes, which Process leaves to the garbage collector once they were used.</summary>
    public void Dispose()
    {
        _process.StandardInput.BaseStream.Dispose();
        _process.StandardOutput.BaseStream.Dispose();
        _process.StandardError.BaseStream.Dispose();
        _process.Dispose();
    }

    private static ProcessStartInfo StartInfo(WorkerOptions options, IEnumerable<(string Name, string Value)> environment)
    {
        var start = GuardedStart.Info("gristmill-worker", options.Command);
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.WorkingDirectory = options.WorkingDirectory ?? "";
        if (!options.PassSiloEnvironment)
        {
            foreach (var name in start.Environment.Keys.Where(SiloEnvironment.Configures).ToArray())
            {
                start.Environment.Remove(name);
            }
        }

        foreach (var (name, value) in options.Environment)
        {
            start.Environment[name] = value;
        }

        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return start;
    }

    private void StartReader(string name, TaskCompletionSource done, Action run, Action<Exception> onFault)
    {
        var thread = new Thread(() =>
        {
            try
            {
                run();
            }
            catch (Exception error)
            {
                onFault(error);
            }
            finally
            {
                done.SetResult();
            }
        }, maxStackSize: 256 * 1024)
        {
            IsBackground = true,
            Name = $"gristmill worker {ProcessId} {name}",
        };
        thread.Start();
    }

    /// <summary>The process is gone: end what it left behind, read what it had said, and tell.</summary>
    private async Task FinishAsync()
    {
        var exitCode = _process.ExitCode;
        ProcessGroup.Signal(ProcessId, ProcessGroup.SigKill);
        _dead = true;
        Strays = _mark.KillAll();
        _guard.Forget(ProcessId);
        try
        {
            await Task.WhenAll(_stdoutRead.Task, _stderrRead.Task).WaitAsync(DrainTime, _time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // Its lines no longer count; the reader ends with the last holder of the pipe.
        }

        _exited.SetResult(exitCode);
    }
}

/// <summary>A message to a worker would be longer than its line may be.</summary>
internal sealed class LineTooLongException : Exception;

using System.Collections.Concurrent;
using System.Diagnostics;

namespace Gristmill.Testing;

/// <summary>
/// A child process that the kernel kills when the tests end, however they end, with the last lines of its output for messages.
/// The parent-death signal is bound to the thread that started the child, so all are started from one thread that never ends.
/// </summary>
public sealed class ChildProcess : IAsyncDisposable
{
    private const int KeptLines = 200;
    private static readonly BlockingCollection<Action> Starts = StartThread();
    private readonly ConcurrentQueue<string> _output = new();
    private readonly Process _process;
    private readonly Action<string>? _onLine;

    private ChildProcess(ProcessStartInfo info, Action<string>? onLine)
    {
        _onLine = onLine;
        _process = new Process { StartInfo = info };
        _process.OutputDataReceived += (_, e) => Keep(e.Data);
        _process.ErrorDataReceived += (_, e) => Keep(e.Data);
    }

    public int Id { get; private set; }

    public bool IsRunning => !_process.HasExited;

    public int ExitCode => _process.ExitCode;

    /// <summary>The last lines of standard output and error.</summary>
    public string Output => string.Join('\n', _output);

    /// <summary>Starts it.</summary>
    /// <param name="program">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="folder">Its working directory; null for that of the tests.</param>
    /// <param name="environment">What is added to the environment.</param>
    /// <param name="onLine">Sees each line of its output as it comes.</param>
    public static async Task<ChildProcess> StartAsync(
        string program, IEnumerable<string> arguments, string? folder = null, IReadOnlyDictionary<string, string>? environment = null,
        Action<string>? onLine = null)
    {
        // Where setpriv is missing, children of tests that are killed live on.
        string[] guard = Tools.Has("setpriv") ? ["setpriv", "--pdeathsig", "KILL"] : [];
        string[] words = [.. guard, program, .. arguments];
        var info = new ProcessStartInfo(words[0])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = folder ?? "",
        };
        foreach (var argument in words[1..])
        {
            info.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            info.Environment[name] = value;
        }

        var child = new ChildProcess(info, onLine);
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Starts.Add(() => child.Start(started));
        await started.Task;
        return child;
    }

    public void Signal(int signal)
    {
        if (IsRunning)
        {
            Signals.Send(Id, signal);
        }
    }

    /// <summary>SIGSTOP, and returns when all its threads stand still: the signal itself comes back before that.</summary>
    public void Freeze()
    {
        Signal(Signals.Stop);
        if (!SpinWait.SpinUntil(StandsStill, TimeSpan.FromSeconds(10)))
        {
            throw new TimeoutException($"Process {Id} did not stop.");
        }
    }

    /// <summary>Waits for its end; when that takes too long, kills it and fails.</summary>
    public async Task WaitForExitAsync(TimeSpan limit)
    {
        using var over = new CancellationTokenSource(limit);
        try
        {
            await _process.WaitForExitAsync(over.Token);
        }
        catch (OperationCanceledException)
        {
            await KillAsync();
            throw new TimeoutException($"Process {Id} did not end within {limit.TotalSeconds:0} s. Its output:\n{Output}");
        }
    }

    public async Task KillAsync()
    {
        Signal(Signals.Kill);
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
    }

    private bool StandsStill()
    {
        try
        {
            // The state is the letter behind the name, which stands in brackets.
            return Directory.GetDirectories($"/proc/{Id}/task")
                .Select(task => File.ReadAllText(Path.Combine(task, "stat")))
                .All(stat => stat[stat.LastIndexOf(')')..].StartsWith(") T", StringComparison.Ordinal));
        }
        catch (IOException)
        {
            // A thread ended while it was looked at.
            return false;
        }
    }

    private void Start(TaskCompletionSource started)
    {
        try
        {
            _process.Start();
            Id = _process.Id;
            _process.BeginOutputReadLine();
            _process.BeginErrorReadLine();
            started.SetResult();
        }
        catch (Exception e)
        {
            started.SetException(e);
        }
    }

    private void Keep(string? line)
    {
        if (line is not null)
        {
            _onLine?.Invoke(line);
            _output.Enqueue(line);
            while (_output.Count > KeptLines && _output.TryDequeue(out _))
            {
                // The oldest go.
            }
        }
    }

    private static BlockingCollection<Action> StartThread()
    {
        var starts = new BlockingCollection<Action>();
        new Thread(() =>
        {
            foreach (var start in starts.GetConsumingEnumerable())
            {
                start();
            }
        })
        { IsBackground = true, Name = "child starter" }.Start();
        return starts;
    }
}

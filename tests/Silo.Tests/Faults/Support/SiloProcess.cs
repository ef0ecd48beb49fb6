using System.Globalization;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Faults.Support;

/// <summary>A real silo as a child process: `gristmill silo` with the ledger handler; its log is read as it comes.</summary>
internal sealed class SiloProcess : IAsyncDisposable
{
    private const int KeptLines = 20_000;
    private readonly Lock _gate = new();
    private readonly List<string> _lines = [];
    private readonly List<(Func<string, bool> Wanted, TaskCompletionSource<string> Found)> _watchers = [];
    private ChildProcess? _child;

    private SiloProcess(string name) => Name = name;

    public string Name { get; }

    public int Id => Child.Id;

    public bool IsRunning => Child.IsRunning;

    public int ExitCode => Child.ExitCode;

    private ChildProcess Child => _child ?? throw new InvalidOperationException("The silo has not been started.");

    public static async Task<SiloProcess> StartAsync(FaultBench bench, SiloSettings settings)
    {
        var silo = new SiloProcess(settings.Name);
        var program = Path.Combine(AppContext.BaseDirectory, "gristmill.dll");
        string[] words = [.. settings.Prefix, "dotnet", program, "silo", .. settings.Arguments];
        silo._child = await ChildProcess.StartAsync(words[0], words[1..], bench.Folder, settings.Environment(bench), silo.OnLine);
        return silo;
    }

    /// <summary>Waits for a line of the log, said already or still to come.</summary>
    public Task<string> SaysAsync(string text, TimeSpan? limit = null) => SaysAsync(text, l => l.Contains(text, StringComparison.Ordinal), limit);

    /// <summary>Waits for a line of the log, said already or still to come.</summary>
    public async Task<string> SaysAsync(string expected, Func<string, bool> wanted, TimeSpan? limit = null)
    {
        var found = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (_lines.Find(l => wanted(l)) is { } said) return said;
            _watchers.Add((wanted, found));
        }

        try
        {
            return await found.Task.WaitAsync(limit ?? FaultBench.Patience);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"Expected in the log of silo {Name}: {expected}. Its last lines:\n{Tail(30)}");
        }
    }

    /// <summary>Waits until it holds its lease: from then on it works.</summary>
    public Task ReadyAsync() => SaysAsync("lease held");

    /// <summary>The lines said so far that have this text.</summary>
    public IReadOnlyList<string> Lines(string text)
    {
        lock (_gate) return _lines.FindAll(l => l.Contains(text, StringComparison.Ordinal));
    }

    public string Tail(int lines)
    {
        lock (_gate) return string.Join('\n', _lines.TakeLast(lines));
    }

    public Task KillAsync() => Child.KillAsync();

    public void Freeze() => Child.Freeze();

    public void Thaw() => Child.Signal(Signals.Continue);

    /// <summary>SIGTERM.</summary>
    public void Terminate() => Child.Signal(Signals.Term);

    public Task WaitForExitAsync(TimeSpan? limit = null) => Child.WaitForExitAsync(limit ?? FaultBench.Patience);

    /// <summary>Its resident memory in KiB, as the kernel counts it.</summary>
    public long ResidentKiB()
    {
        var line = File.ReadLines($"/proc/{Id}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }

    public ValueTask DisposeAsync() => _child?.DisposeAsync() ?? ValueTask.CompletedTask;

    private void OnLine(string line)
    {
        List<TaskCompletionSource<string>> found = [];
        lock (_gate)
        {
            _lines.Add(line);
            if (_lines.Count > KeptLines) _lines.RemoveRange(0, KeptLines / 2);
            for (var i = _watchers.Count - 1; i >= 0; i--)
            {
                if (!_watchers[i].Wanted(line)) continue;
                found.Add(_watchers[i].Found);
                _watchers.RemoveAt(i);
            }
        }

        foreach (var watcher in found) watcher.TrySetResult(line);
    }
}

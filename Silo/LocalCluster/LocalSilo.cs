using System.Diagnostics;
using Gristmill.Grains.Processes;

namespace Gristmill.Silo.LocalCluster;

/// <summary>One process of a local cluster, in a process group of its own that the guard watches.</summary>
internal sealed class LocalSilo : IDisposable
{
    private readonly Process _process;
    private readonly ProcessGuard _guard;
    private readonly Task _lines;

    private LocalSilo(Process process, ProcessGuard guard, Task lines)
    {
        _process = process;
        _guard = guard;
        _lines = lines;
    }

    /// <summary>Starts it.</summary>
    /// <param name="options">What the cluster's processes have in common.</param>
    /// <param name="number">Which of them, from 1.</param>
    /// <param name="guard">Ends it when this process dies.</param>
    /// <param name="say">Gets each line that it writes.</param>
    public static LocalSilo Start(LocalClusterOptions options, int number, ProcessGuard guard, Action<int, string> say)
    {
        var start = GuardedStart.Info("gristmill-silo", [.. options.Program, .. options.Arguments]);
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        foreach (var (name, value) in options.Environment) start.Environment[name] = value;
        foreach (var (name, value) in options.EngineEnvironment(number)) start.Environment[name] = value;
        start.Environment["Gristmill__SiloName"] = options.NameOf(number);
        start.Environment["Gristmill__Url"] = options.UrlOf(number);
        guard.EnsureRunning();
        var process = Process.Start(start)!;
        guard.Watch(process.Id);
        process.StandardInput.BaseStream.Write(GuardedStart.Go);
        return new LocalSilo(process, guard, Task.WhenAll(PassOnAsync(process.StandardOutput), PassOnAsync(process.StandardError)));

        async Task PassOnAsync(StreamReader reader)
        {
            while (await reader.ReadLineAsync() is { } line) say(number, line);
        }
    }

    public void Signal(int signal) => ProcessGroup.Signal(_process.Id, signal);

    /// <summary>Waits until it has ended and its last lines were passed on.</summary>
    public async Task<int> WaitForExitAsync()
    {
        await _process.WaitForExitAsync();
        await _lines;
        return _process.ExitCode;
    }

    public void Dispose()
    {
        _guard.Forget(_process.Id);
        _process.Dispose();
    }
}

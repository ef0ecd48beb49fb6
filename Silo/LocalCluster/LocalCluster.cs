using System.Globalization;
using Gristmill.Grains.Processes;

namespace Gristmill.Silo.LocalCluster;

/// <summary>
/// `gristmill silo --count N`: N silos as processes of their own on one Redis, in one terminal. Each has the name and the
/// HTTP port of the first, counted up, and its lines begin with its number. One that dies is started again, ever more
/// slowly; a signal to this process is passed on to all, and they end as they would alone. However this process dies, a
/// guard ends them with it.
/// </summary>
internal sealed class LocalCluster(LocalClusterOptions options, TextWriter output, TimeProvider clock) : IDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LastPause = TimeSpan.FromSeconds(30);

    // Who ran for this long did not fail at its start.
    private static readonly TimeSpan Steady = TimeSpan.FromSeconds(30);

    private readonly ProcessGuard _guard = new();
    private readonly Lock _gate = new();
    private readonly List<LocalSilo> _running = [];
    private readonly CancellationTokenSource _stop = new();
    private volatile bool _stopping;

    /// <summary>Runs until it is told to stop, or until all silos have ended by themselves.</summary>
    /// <returns>0 when all ended in order; otherwise the worst status among them.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        _guard.EnsureRunning();
        await using var passOn = cancellationToken.Register(Stop);
        var statuses = await Task.WhenAll(Enumerable.Range(1, options.Count).Select(KeepRunningAsync));
        return statuses.Max();
    }

    public void Dispose()
    {
        _guard.Dispose();
        _stop.Dispose();
    }

    private async Task<int> KeepRunningAsync(int number)
    {
        var pause = FirstPause;
        while (true)
        {
            var began = clock.GetTimestamp();
            using var silo = LocalSilo.Start(options, number, _guard, Say);
            if (!Enter(silo)) silo.Signal(ProcessGroup.SigTerm);
            var status = await silo.WaitForExitAsync();
            Leave(silo);

            // Told before it could hear.
            if (_stopping && status == ProcessGroup.TerminatedExitCode) return 0;

            // 0: drained or told to stop. 2: its options are wrong, and will be the next time.
            if (status is 0 or 2 || _stopping) return status;
            if (clock.GetElapsedTime(began) >= Steady) pause = FirstPause;
            Say(number, string.Create(CultureInfo.InvariantCulture, $"The silo ended with status {status}; it is started again in {pause.TotalSeconds:0} s."));
            if (!await PauseAsync(pause)) return status;
            pause = pause * 2 < LastPause ? pause * 2 : LastPause;
        }
    }

    private async Task<bool> PauseAsync(TimeSpan pause)
    {
        await Task.Delay(pause, clock, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        return !_stopping;
    }

    private bool Enter(LocalSilo silo)
    {
        lock (_gate)
        {
            _running.Add(silo);
            return !_stopping;
        }
    }

    private void Leave(LocalSilo silo)
    {
        lock (_gate) _running.Remove(silo);
    }

    private void Stop()
    {
        lock (_gate)
        {
            _stopping = true;
            foreach (var silo in _running) silo.Signal(ProcessGroup.SigTerm);
        }

        _stop.Cancel();
    }

    private void Say(int number, string line)
    {
        lock (output) output.WriteLine($"[{number}] {line}");
    }
}

/// <summary>What the processes of a local cluster are started with.</summary>
/// <param name="Count">How many, 2 to 64.</param>
/// <param name="Program">The program and what comes before its own arguments: dotnet and the assembly, or the executable.</param>
/// <param name="Arguments">The arguments of each silo, without --count.</param>
/// <param name="SiloName">The name, to which each adds its number.</param>
/// <param name="Url">The address of the first; each next one has the next port.</param>
/// <param name="Environment">What is set in the environment of each, beside what is inherited.</param>
/// <param name="EngineEnvironment">What the engine needs in the environment of one, by its number.</param>
internal sealed record LocalClusterOptions(
    int Count, IReadOnlyList<string> Program, IReadOnlyList<string> Arguments, string SiloName, Uri Url, IReadOnlyDictionary<string, string> Environment,
    Func<int, IEnumerable<KeyValuePair<string, string>>> EngineEnvironment)
{
    public const int MostSilos = 64;

    public string NameOf(int number) => string.Create(CultureInfo.InvariantCulture, $"{SiloName}-{number}");

    public string UrlOf(int number) => new UriBuilder(Url) { Port = Url.Port == 0 ? 0 : Url.Port + number - 1 }.Uri.GetLeftPart(UriPartial.Authority);
}

using System.Diagnostics;
using Gristmill.FaultHandlers;
using Gristmill.Silo.Tests.Faults.Support;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Cluster;

/// <summary>
/// The silos of a cluster by seat: each seat has the process that holds it now and a way of its own to the server. Keeps
/// when which process was lost to the cluster, so that takeovers can be measured.
/// </summary>
internal sealed class SiloCrew
{
    private readonly FaultBench _bench;
    private readonly SiloSettings _settings;
    private readonly List<(SiloProcess Silo, TcpProxy Proxy)> _seats = [];
    private readonly List<(int ProcessId, long At)> _losses = [];
    private int _names;

    private SiloCrew(FaultBench bench, SiloSettings settings)
    {
        _bench = bench;
        _settings = settings;
    }

    public int Count => _seats.Count;

    public static async Task<SiloCrew> StartAsync(FaultBench bench, int count, SiloSettings settings)
    {
        var crew = new SiloCrew(bench, settings);
        for (var seat = 0; seat < count; seat++)
        {
            var proxy = bench.OpenProxy();
            crew._seats.Add((await bench.StartSiloAsync(crew.Next(proxy), waitUntilReady: false), proxy));
        }

        await Task.WhenAll(crew._seats.Select(s => s.Silo.ReadyAsync()));
        return crew;
    }

    public SiloProcess Silo(int seat) => _seats[seat].Silo;

    public TcpProxy Proxy(int seat) => _seats[seat].Proxy;

    /// <summary>A seat by chance, from the seed.</summary>
    public int AnySeat() => _bench.Random.Next(_seats.Count);

    /// <summary>Another process takes the seat; the one before goes on.</summary>
    public async Task<SiloProcess> SeatAnotherAsync(int seat, bool waitUntilReady)
    {
        var silo = await _bench.StartSiloAsync(Next(Proxy(seat)), waitUntilReady);
        _seats[seat] = (silo, Proxy(seat));
        return silo;
    }

    /// <summary>kill -9, and another process in its place at once.</summary>
    public async Task KillAndSeatAnotherAsync(int seat)
    {
        Lost(seat);
        await Silo(seat).KillAsync();
        await SeatAnotherAsync(seat, waitUntilReady: false);
    }

    /// <summary>From now on the silo of the seat cannot do anything.</summary>
    public void Lost(int seat) => _losses.Add((Silo(seat).Id, Stopwatch.GetTimestamp()));

    /// <summary>
    /// How long the jobs that ran on lost silos waited for their next attempt elsewhere: from the loss to the call of the
    /// handler, sorted.
    /// </summary>
    public IReadOnlyList<TimeSpan> Takeovers()
    {
        var starts = _bench.Ledger.Read().Where(l => l.Mark == LedgerMark.Start).ToLookup(l => l.Key);
        var times = new List<TimeSpan>();
        foreach (var (process, at) in _losses)
        {
            foreach (var job in starts.Where(g => g.Any(l => l.ProcessId == process && l.At < at)))
            {
                if (job.FirstOrDefault(l => l.At > at && l.ProcessId != process) is { } next) times.Add(Stopwatch.GetElapsedTime(at, next.At));
            }
        }

        return [.. times.Order()];
    }

    /// <summary>Says how long takeovers took, and asserts the limit at the 99th percentile.</summary>
    public void AssertTakeovers(TimeSpan limit)
    {
        var times = Takeovers();
        Assert.True(times.Count > 0, "No job was taken over: the faults hit nothing.");
        var p99 = times[(int)Math.Ceiling(times.Count * 0.99) - 1];
        FaultBench.Say($"{_losses.Count} losses, {times.Count} jobs taken over: median {times[times.Count / 2].TotalSeconds:0.0} s, p99 {p99.TotalSeconds:0.0} s, longest {times[^1].TotalSeconds:0.0} s.");
        Assert.True(p99 < limit * FaultBench.Slowness, $"Taken over within {limit.TotalSeconds} s at p99; actual: {p99.TotalSeconds:0.0} s.");
    }

    private SiloSettings Next(TcpProxy proxy) => _settings with { Name = $"s{++_names}", Proxy = proxy };
}

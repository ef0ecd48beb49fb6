using System.Collections.Concurrent;
using System.Diagnostics;
using Gristmill.FaultHandlers;
using Gristmill.Silo.Tests.Faults.Support;

namespace Gristmill.Silo.Tests.Cluster;

/// <summary>Pushes jobs at a steady rate until it is told to stop, and knows when it pushed which.</summary>
internal sealed class SteadyProducer
{
    private const int PerTick = 2;

    // One in so many works for a second: a silo that ends has something to wait for.
    private const int LongEvery = 40;
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(20);
    private readonly FaultBench _bench;
    private readonly ConcurrentDictionary<string, long> _pushedAt = new();
    private readonly List<FaultItem> _items = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _pushing;

    private SteadyProducer(FaultBench bench)
    {
        _bench = bench;
        _pushing = PushAsync();
    }

    public static SteadyProducer Start(FaultBench bench) => new(bench);

    public int Pushed => _pushedAt.Count;

    /// <summary>Stops it.</summary>
    /// <returns>What was pushed.</returns>
    public async Task<IReadOnlyList<FaultItem>> StopAsync()
    {
        await _stop.CancelAsync();
        await _pushing;
        return _items;
    }

    /// <summary>From push to the first call of the handler, sorted.</summary>
    public IReadOnlyList<TimeSpan> Waits() =>
    [
        .. _bench.Ledger.Read().Where(l => l.Mark == LedgerMark.Start).GroupBy(l => l.Key)
            .Select(g => Stopwatch.GetElapsedTime(_pushedAt[g.Key], g.Min(l => l.At))).Order(),
    ];

    private async Task PushAsync()
    {
        using var timer = new PeriodicTimer(Tick);
        while (!_stop.IsCancellationRequested)
        {
            List<FaultItem> items = [.. Enumerable.Range(_items.Count, PerTick).Select(n => FaultLoad.Plain($"p{n}", n % LongEvery == 0 ? 1000 : _bench.Random.Next(5, 51)))];
            foreach (var item in items) _pushedAt[item.Key] = Stopwatch.GetTimestamp();
            await _bench.PushAsync(items);
            _items.AddRange(items);
            await timer.WaitForNextTickAsync(CancellationToken.None);
        }
    }
}

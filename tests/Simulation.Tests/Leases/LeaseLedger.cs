using Gristmill.Simulation.Tests.Redis;
using Gristmill.Simulation.Tests.World;
using Gristmill.Store;

namespace Gristmill.Simulation.Tests.Leases;

/// <summary>
/// The books of a run, kept from what the server did in its own order: who may move each job on, and whether the promises
/// hold at each step. A promise that is broken ends the run with its seed and the last things that happened.
/// </summary>
internal sealed class LeaseLedger
{
    private readonly SimWorld _world;
    private readonly SimServer _server;
    private readonly Dictionary<long, string> _owners = [];
    private readonly HashSet<string> _tokens = [];
    private readonly HashSet<long> _completed = [];
    private bool _changed;

    public LeaseLedger(SimWorld world, SimServer server)
    {
        (_world, _server) = (world, server);
        server.Stepped += OnStep;
    }

    /// <summary>Called with each generation whose jobs were given to others.</summary>
    public event Action<string>? Reaped;

    public int Completed => _completed.Count;

    /// <summary>Generations whose jobs were given to others.</summary>
    public int Expired { get; private set; }

    private void OnStep(SimStep step)
    {
        var ok = (StoreStatus)step.Reply[0].AsInteger() == StoreStatus.Ok;
        switch (step.Script)
        {
            case "claim" when ok:
                var first = step.Reply[2].AsInteger();
                for (var i = 0; i < step.Reply[5].Count; i++) Begin(first + i, step.Arguments[1], step.Arguments[2]);
                break;
            case "start" when ok:
                for (var i = 0; i < step.Reply[5].Count; i += 2) Begin(step.Reply[5][i].AsInteger(), step.Arguments[2], step.Arguments[3]);
                break;
            case "complete" or "settle" when ok:
                End(step);
                break;
            case "reap" when ok:
                Reap(step);
                break;
        }

        if (_changed) Conserved();
        _changed = false;
    }

    // A token moves one attempt of a job, and only once the one before has ended.
    private void Begin(long seq, string generation, string counter)
    {
        var token = $"{generation} {counter}";
        Expect(!_owners.TryGetValue(seq, out var other), $"job {seq} starts under {token} while {other} runs it");
        Expect(_tokens.Add($"{seq} {token}"), $"job {seq} starts under {token} for the second time");
        Expect(!_completed.Contains(seq), $"job {seq} starts under {token} after it was completed");
        _owners[seq] = token;
        _changed = true;
    }

    private void End(SimStep step)
    {
        var refused = step.Reply[3].AsList().Select(r => r.AsInteger()).ToHashSet();
        var completes = step.Script == "complete";
        var (first, size) = completes ? (4, 4) : (3, 5);
        for (var i = first; i + size <= step.Arguments.Count; i += size)
        {
            var seq = long.Parse(step.Arguments[i], System.Globalization.CultureInfo.InvariantCulture);
            var token = $"{step.Arguments[2]} {step.Arguments[i + 1]}";
            if (refused.Contains(seq)) continue;

            // The same result sent twice by its holder is acknowledged.
            if (completes && _completed.Contains(seq) && !_owners.ContainsKey(seq)) continue;
            if (!completes && !_owners.ContainsKey(seq)) continue;
            Expect(_owners.GetValueOrDefault(seq) == token, $"{step.Script} of job {seq} under {token} was accepted, while {_owners.GetValueOrDefault(seq) ?? "nobody"} holds it");
            _owners.Remove(seq);
            _changed = true;
            if (completes) Expect(_completed.Add(seq), $"job {seq} was completed twice");
        }
    }

    private void Reap(SimStep step)
    {
        if (step.Reply[2].AsString() != "tick" || step.Reply[3].Count == 0) return;
        _changed = true;
        foreach (var generation in step.Reply[3].AsList().Select(g => g.AsString()))
        {
            Expired++;
            _world.Note($"server: {generation} has expired");
            Reaped?.Invoke(generation);
        }

        // Jobs of the expired are given back some at a time: who holds none of them any more in the store holds none.
        var running = Hash("running");
        foreach (var (seq, token) in _owners.ToList())
        {
            if (!running.ContainsKey(seq)) _owners.Remove(seq);
            else Expect(running[seq] == token, $"job {seq} is held by {running[seq]} in the store, and by {token} in the books");
        }
    }

    // Each job has its record in one place: it runs, is ready, or is finished.
    private void Conserved()
    {
        var running = Hash("running").Keys.ToList();
        var ready = ((object?[])_server.Database.Do("ZRANGE", [SimSilo.Keys.Of("ready"), "0", "-1"])!).Select(s => long.Parse((string)s!, System.Globalization.CultureInfo.InvariantCulture)).ToList();
        var records = SimSilo.Keys.Jobs.Sum(shard => (long)_server.Database.Do("HLEN", [shard])!);
        Expect(running.Count + ready.Count + _completed.Count == records, $"{records} records, of which {running.Count} run, {ready.Count} are ready and {_completed.Count} were completed");
        Expect(!running.Intersect(ready).Any(), "a job runs and is ready at once");
    }

    private Dictionary<long, string> Hash(string name)
    {
        var flat = (object?[])_server.Database.Do("HGETALL", [SimSilo.Keys.Of(name)])!;
        return flat.Chunk(2).ToDictionary(
            p => long.Parse((string)p[0]!, System.Globalization.CultureInfo.InvariantCulture),
            p => ((string)p[1]!).Split(' ') is [var counter, var generation, ..] ? $"{generation} {counter}" : (string)p[1]!);
    }

    private void Expect(bool holds, string otherwise) => _world.Expect(holds, otherwise);
}

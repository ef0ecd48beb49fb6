using System.Collections.Concurrent;

namespace Gristmill.Engine.Tests.Contract;

/// <summary>How tests and their grains meet: gates that grains wait at, signals that tests wait for, and a list of what happened.</summary>
public sealed class Probe
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly ConcurrentDictionary<string, TaskCompletionSource> _gates = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _signals = new();
    private readonly ConcurrentQueue<string> _log = new();

    private readonly ConcurrentDictionary<(string Grain, string Silo), int> _active = new();

    /// <summary>Which silos have a grain active now.</summary>
    public string[] SilosOf(string grain) => [.. _active.Where(a => a.Key.Grain == grain && a.Value > 0).Select(a => a.Key.Silo)];

    public void Enter(string grain, string silo) => _active.AddOrUpdate((grain, silo), 1, (_, count) => count + 1);

    public void Leave(string grain, string silo) => _active.AddOrUpdate((grain, silo), 0, (_, count) => count - 1);

    /// <summary>The silo was killed: what was active there is no more.</summary>
    public void Killed(string silo)
    {
        foreach (var key in _active.Keys.Where(k => k.Silo == silo))
            _active[key] = 0;
    }

    public IReadOnlyList<string> Log => [.. _log];

    public void Note(string what) => _log.Enqueue(what);

    public void Open(string gate) => Of(_gates, gate).TrySetResult();

    public Task Pass(string gate) => Of(_gates, gate).Task;

    public void Signal(string what) => Of(_signals, what).TrySetResult();

    /// <summary>Waits for a signal; gives up with what was noted so far.</summary>
    public async Task Until(string what)
    {
        try
        {
            await Of(_signals, what).Task.WaitAsync(Limit, TestContext.Current.CancellationToken);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"Expected '{what}' within {Limit}. Noted: {string.Join(", ", _log)}.");
        }
    }

    public bool Happened(string what) => Of(_signals, what).Task.IsCompleted;

    private static TaskCompletionSource Of(ConcurrentDictionary<string, TaskCompletionSource> all, string name) =>
        all.GetOrAdd(name, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
}

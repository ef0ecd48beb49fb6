using Gristmill.Redis;
using Gristmill.Store;

namespace Gristmill.Silo.Tests.Faults.Support;

/// <summary>
/// The record's own history: what the store announced of each job, in the order in which its steps were made. Every step
/// must be one of the state machine, so that no two attempts of a job overlap in the record and none follows an outcome.
/// </summary>
internal sealed class StepLog : IAsyncDisposable
{
    private readonly RedisSubscription _events;
    private readonly Task _reading;
    private readonly Lock _gate = new();
    private readonly Dictionary<long, JobState> _states = [];
    private readonly List<string> _problems = [];
    private readonly Dictionary<JobState, long> _counts = [];
    private int _gaps;

    private StepLog(RedisSubscription events)
    {
        _events = events;
        _reading = ReadAsync();
    }

    /// <summary>Listens from now on.</summary>
    public static async Task<StepLog> StartAsync(FaultBench bench) => new(await bench.Redis.SubscribeAsync(bench.Store.Keys.Events));

    /// <summary>Waits until so many jobs have an outcome, and says what is wrong with the steps that led there.</summary>
    /// <param name="outcomes">How many jobs there are.</param>
    /// <param name="gaps">Whether the server was away, so that steps may be missing.</param>
    public async Task HoldsAsync(int outcomes, bool gaps = false)
    {
        if (!gaps) await FaultBench.UntilAsync($"{outcomes} outcomes announced", () => Outcomes >= outcomes);
        lock (_gate)
        {
            Assert.True(_problems.Count == 0, $"{_problems.Count} steps that no state machine makes:\n{string.Join('\n', _problems.Take(15))}");
            Assert.True(gaps || _gaps == 0, $"The log of steps has {_gaps} gaps.");
            FaultBench.Say($"Steps: {string.Join(", ", _counts.OrderBy(c => c.Key).Select(c => $"{c.Value} {JobStates.Name(c.Key)}"))}; gaps: {_gaps}.");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _events.DisposeAsync();
        await _reading;
    }

    private int Outcomes
    {
        get
        {
            lock (_gate) return _states.Values.Count(JobStates.IsFinal);
        }
    }

    private async Task ReadAsync()
    {
        await foreach (var message in _events.ReadAllAsync())
        {
            lock (_gate)
            {
                if (message.Kind == RedisMessageKind.Gap) Forget();
                else Note(message.Text.Split(' '));
            }
        }
    }

    // Outcomes stay what they are, whatever was missed.
    private void Forget()
    {
        _gaps++;
        foreach (var open in _states.Where(s => !JobStates.IsFinal(s.Value)).Select(s => s.Key).ToList()) _states.Remove(open);
    }

    private void Note(string[] words)
    {
        if (!JobStates.TryParse(words[0], out var state)) return;
        foreach (var seq in words.Skip(1).Select(long.Parse))
        {
            if (_states.TryGetValue(seq, out var before) && (JobStates.IsFinal(before) || !JobStates.CanFollow(before, state)))
            {
                _problems.Add($"job {seq}: {JobStates.Name(state)} after {JobStates.Name(before)}");
            }

            _states[seq] = state;
            _counts[state] = _counts.GetValueOrDefault(state) + 1;
        }
    }
}

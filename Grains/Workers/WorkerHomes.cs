namespace Gristmill.Grains.Workers;

/// <summary>
/// Which worker of a pool served a session last, so that the session's next job goes there while it lives and is idle: what
/// it keeps of the session is warm. Forgets the session that was not served for longest beyond <see cref="MaxSessions"/>.
/// Used under the pool's lock only.
/// </summary>
/// <typeparam name="TWorker">A worker process, or what stands for one in a test.</typeparam>
internal sealed class WorkerHomes<TWorker>
    where TWorker : class
{
    /// <summary>Many more than workers of a silo are in the midst of at a time; some 100 KB at the most.</summary>
    internal const int MaxSessions = 1024;

    private readonly Dictionary<string, LinkedListNode<Stay>> _stays = new(StringComparer.Ordinal);
    private readonly LinkedList<Stay> _byAge = new();
    private readonly Dictionary<TWorker, long> _rested = [];

    public int Count => _stays.Count;

    /// <summary>The worker that served a session last; null when there is none, or it is forgotten.</summary>
    public TWorker? Of(string? session) => session is not null && _stays.TryGetValue(session, out var stay) ? stay.Value.Worker : null;

    /// <summary>When a worker last ended a job while it had a session, as a timestamp; 0 where it never had one.</summary>
    public long LastServed(TWorker worker) => _rested.GetValueOrDefault(worker);

    /// <summary>A worker got a job of a session.</summary>
    public void Serves(string session, TWorker worker)
    {
        if (_stays.Remove(session, out var old))
        {
            _byAge.Remove(old);
        }

        _stays.Add(session, _byAge.AddLast(new Stay(session, worker)));
        _rested.TryAdd(worker, 1);
        if (_stays.Count > MaxSessions)
        {
            _stays.Remove(_byAge.First!.Value.Session);
            _byAge.RemoveFirst();
        }
    }

    /// <summary>A worker has done its jobs.</summary>
    public void Rests(TWorker worker, long now)
    {
        if (_rested.ContainsKey(worker))
        {
            _rested[worker] = now;
        }
    }

    /// <summary>A worker has ended, and what it knew with it.</summary>
    public void Gone(TWorker worker)
    {
        if (!_rested.Remove(worker))
        {
            return;
        }

        foreach (var stay in _byAge.Where(stay => ReferenceEquals(stay.Worker, worker)).ToList())
        {
            _byAge.Remove(_stays[stay.Session]);
            _stays.Remove(stay.Session);
        }
    }

    private sealed record Stay(string Session, TWorker Worker);
}

using System.Collections.Concurrent;

namespace Gristmill.Engine;

/// <summary>
/// Where grains were found last: a hint that is corrected when it proves wrong. Bounded, by two halves: what is used moves
/// into the young one, and when that is full the old one is dropped.
/// </summary>
internal sealed class LocationCache(int most)
{
    private readonly int _half = Math.Max(1, most / 2);
    private readonly Lock _gate = new();
    private volatile ConcurrentDictionary<GrainId, string> _young = new();
    private volatile ConcurrentDictionary<GrainId, string> _old = new();
    private int _count;

    public string? Find(GrainId grain)
    {
        if (_young.TryGetValue(grain, out var member))
            return member;
        if (!_old.TryRemove(grain, out member))
            return null;
        Set(grain, member);
        return member;
    }

    public void Set(GrainId grain, string member)
    {
        var young = _young;
        if (!young.TryAdd(grain, member))
            young[grain] = member;
        else if (Interlocked.Increment(ref _count) >= _half)
            Age(young);
    }

    public void Remove(GrainId grain)
    {
        if (_young.TryRemove(grain, out _))
            Interlocked.Decrement(ref _count);
        _old.TryRemove(grain, out _);
    }

    private void Age(ConcurrentDictionary<GrainId, string> full)
    {
        lock (_gate)
        {
            if (_young != full)
                return;
            _old = full;
            _young = new();
            Volatile.Write(ref _count, 0);
        }
    }
}

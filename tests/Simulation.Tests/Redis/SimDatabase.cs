using System.Globalization;

namespace Gristmill.Simulation.Tests.Redis;

/// <summary>
/// The commands of Redis that the scripts use, on plain collections. Strings are bytes, one character each (Latin-1). A
/// reply is null, a long, a string, an object[] of replies, or a <see cref="SimStatus"/>.
/// </summary>
internal sealed class SimDatabase(Func<long> serverMilliseconds, Action<string, string> published)
{
    private readonly Dictionary<string, object> _keys = [];
    private readonly Dictionary<string, long> _expiries = [];

    /// <summary>Makes one command.</summary>
    /// <exception cref="SimCommandException">What Redis would answer as an error.</exception>
    public object? Do(string command, IReadOnlyList<string> a)
    {
        if (a.Count > 0) Expire(a[0]);
        return command.ToUpperInvariant() switch
        {
            "TIME" => (object[])[Text(serverMilliseconds() / 1000), Text(serverMilliseconds() % 1000 * 1000)],
            "TYPE" => new SimStatus(TypeOf(a[0])),
            "EXISTS" => a.Count(_keys.ContainsKey) + 0L,
            "UNLINK" or "DEL" => a.Count(Remove) + 0L,
            "PEXPIRE" => SetExpiry(a[0], a[1]),
            "PUBLISH" => Publish(a[0], a[1]),
            "HSET" => HashSet(a),
            "HGET" => Hash(a[0])?.GetValueOrDefault(a[1]),
            "HMGET" => a.Skip(1).Select(f => (object?)Hash(a[0])?.GetValueOrDefault(f)).ToArray(),
            "HGETALL" => Hash(a[0])?.SelectMany(p => (object[])[p.Key, p.Value]).ToArray() ?? [],
            "HVALS" => Hash(a[0])?.Values.ToArray<object>() ?? [],
            "HLEN" => (long)(Hash(a[0])?.Count ?? 0),
            "HEXISTS" => Hash(a[0])?.ContainsKey(a[1]) == true ? 1L : 0L,
            "HDEL" => Each(a, Hash(a[0]), (hash, field) => hash.Remove(field), h => h.Count),
            "HINCRBY" => HashAdd(a[0], a[1], a[2]),
            "LLEN" => (long)(List(a[0])?.Count ?? 0),
            "LRANGE" => Range(List(a[0])?.Count ?? 0, a[1], a[2]) is var (from, count) ? List(a[0])?.GetRange(from, count).ToArray<object>() ?? [] : [],
            "LTRIM" => Trim(a[0], a[1], a[2]),
            "RPUSH" => Push(a),
            "LPOP" => Pop(a[0], a.Count > 1 ? int.Parse(a[1], CultureInfo.InvariantCulture) : 1),
            "SADD" => a.Skip(1).Count(Make<HashSet<string>>(a[0]).Add) + 0L,
            "SREM" => Each(a, Get<HashSet<string>>(a[0]), (set, member) => set.Remove(member), s => s.Count),
            "SCARD" => (long)(Get<HashSet<string>>(a[0])?.Count ?? 0),
            "SMEMBERS" => Get<HashSet<string>>(a[0])?.ToArray<object>() ?? [],
            "SPOP" => SetPop(a[0], int.Parse(a[1], CultureInfo.InvariantCulture)),
            "ZADD" => SortedAdd(a),
            "ZSCORE" => Sorted(a[0]) is { } scores && scores.TryGetValue(a[1], out var score) ? Text(score) : null,
            "ZCARD" => (long)(Sorted(a[0])?.Count ?? 0),
            "ZREM" => Each(a, Sorted(a[0]), (set, member) => set.Remove(member), s => s.Count),
            "ZRANGE" => SortedRange(Ordered(a[0]), a),
            "ZREVRANGE" => SortedRange([.. Ordered(a[0]).AsEnumerable().Reverse()], a),
            "ZRANGEBYSCORE" => SortedByScore(a),
            _ => throw new SimCommandException($"ERR unknown command '{command}'"),
        };
    }

    /// <summary>The number as Redis writes it.</summary>
    public static string Text(double number) =>
        number == Math.Truncate(number) && Math.Abs(number) < 1e17 ? number.ToString("F0", CultureInfo.InvariantCulture) : number.ToString("R", CultureInfo.InvariantCulture);

    private string TypeOf(string key) => _keys.GetValueOrDefault(key) switch
    {
        null => "none",
        Dictionary<string, string> => "hash",
        Dictionary<string, double> => "zset",
        List<string> => "list",
        _ => "set",
    };

    private T? Get<T>(string key)
        where T : class => _keys.GetValueOrDefault(key) switch
        {
            null => null,
            T found => found,
            _ => throw new SimCommandException("WRONGTYPE Operation against a key holding the wrong kind of value"),
        };

    private T Make<T>(string key)
        where T : class, new()
    {
        if (Get<T>(key) is { } found) return found;
        var made = new T();
        _keys[key] = made;
        return made;
    }

    private Dictionary<string, string>? Hash(string key) => Get<Dictionary<string, string>>(key);

    private Dictionary<string, double>? Sorted(string key) => Get<Dictionary<string, double>>(key);

    private List<string>? List(string key) => Get<List<string>>(key);

    private bool Remove(string key)
    {
        _expiries.Remove(key);
        return _keys.Remove(key);
    }

    private void Expire(string key)
    {
        if (_expiries.TryGetValue(key, out var at) && at <= serverMilliseconds()) Remove(key);
    }

    private object SetExpiry(string key, string milliseconds)
    {
        if (!_keys.ContainsKey(key)) return 0L;
        _expiries[key] = serverMilliseconds() + long.Parse(milliseconds, CultureInfo.InvariantCulture);
        return 1L;
    }

    private object Publish(string channel, string message)
    {
        published(channel, message);
        return 1L;
    }

    private object HashSet(IReadOnlyList<string> a)
    {
        var hash = Make<Dictionary<string, string>>(a[0]);
        long added = 0;
        for (var i = 1; i < a.Count; i += 2)
        {
            if (!hash.ContainsKey(a[i])) added++;
            hash[a[i]] = a[i + 1];
        }

        return added;
    }

    private object HashAdd(string key, string field, string by)
    {
        var hash = Make<Dictionary<string, string>>(key);
        var sum = long.Parse(hash.GetValueOrDefault(field, "0"), CultureInfo.InvariantCulture) + long.Parse(by, CultureInfo.InvariantCulture);
        hash[field] = sum.ToString(CultureInfo.InvariantCulture);
        return sum;
    }

    // Removes each of the arguments; a collection that is empty then is no key any more.
    private object Each<T>(IReadOnlyList<string> a, T? collection, Func<T, string, bool> remove, Func<T, int> count)
        where T : class
    {
        if (collection is null) return 0L;
        var removed = a.Skip(1).Count(member => remove(collection, member));
        if (count(collection) == 0) Remove(a[0]);
        return (long)removed;
    }

    private static (int From, int Count) Range(int length, string first, string last)
    {
        var (from, to) = (int.Parse(first, CultureInfo.InvariantCulture), int.Parse(last, CultureInfo.InvariantCulture));
        from = from < 0 ? Math.Max(0, length + from) : from;
        to = Math.Min(length - 1, to < 0 ? length + to : to);
        return from > to ? (0, 0) : (from, to - from + 1);
    }

    private object Trim(string key, string first, string last)
    {
        if (List(key) is not { } list) return new SimStatus("OK");
        var (from, count) = Range(list.Count, first, last);
        var kept = list.GetRange(from, count);
        if (kept.Count == 0) Remove(key);
        else _keys[key] = kept;
        return new SimStatus("OK");
    }

    private object Push(IReadOnlyList<string> a)
    {
        var list = Make<List<string>>(a[0]);
        list.AddRange(a.Skip(1));
        return (long)list.Count;
    }

    private object? Pop(string key, int count)
    {
        if (List(key) is not { } list) return null;
        var taken = list.Take(count).ToArray<object>();
        list.RemoveRange(0, taken.Length);
        if (list.Count == 0) Remove(key);
        return taken;
    }

    private object SetPop(string key, int count)
    {
        if (Get<HashSet<string>>(key) is not { } set) return Array.Empty<object>();
        var taken = set.Take(count).ToArray();
        set.ExceptWith(taken);
        if (set.Count == 0) Remove(key);
        return taken.ToArray<object>();
    }

    private object SortedAdd(IReadOnlyList<string> a)
    {
        var set = Make<Dictionary<string, double>>(a[0]);
        long added = 0;
        for (var i = 1; i < a.Count; i += 2)
        {
            if (!set.ContainsKey(a[i + 1])) added++;
            set[a[i + 1]] = double.Parse(a[i], CultureInfo.InvariantCulture);
        }

        return added;
    }

    private static object SortedRange(List<KeyValuePair<string, double>> ordered, IReadOnlyList<string> a)
    {
        var (from, count) = Range(ordered.Count, a[1], a[2]);
        return Flat(ordered.GetRange(from, count), a.Skip(3));
    }

    private object SortedByScore(IReadOnlyList<string> a)
    {
        var (least, most) = (Bound(a[1]), Bound(a[2]));
        var found = Ordered(a[0]).Where(p => a[1][0] == '(' ? p.Value > least : p.Value >= least).Where(p => a[2][0] == '(' ? p.Value < most : p.Value <= most);
        var limit = a.ToList().FindIndex(w => w.Equals("LIMIT", StringComparison.OrdinalIgnoreCase));
        if (limit > 0) found = found.Skip(int.Parse(a[limit + 1], CultureInfo.InvariantCulture)).Take(int.Parse(a[limit + 2], CultureInfo.InvariantCulture));
        return Flat(found, a.Skip(3));
    }

    private static double Bound(string text) => text.TrimStart('(') switch
    {
        "-inf" => double.NegativeInfinity,
        "+inf" => double.PositiveInfinity,
        var number => double.Parse(number, CultureInfo.InvariantCulture),
    };

    private List<KeyValuePair<string, double>> Ordered(string key) =>
        Sorted(key)?.OrderBy(p => p.Value).ThenBy(p => p.Key, StringComparer.Ordinal).ToList() ?? [];

    private static object[] Flat(IEnumerable<KeyValuePair<string, double>> members, IEnumerable<string> options) =>
        options.Any(o => o.Equals("WITHSCORES", StringComparison.OrdinalIgnoreCase))
            ? [.. members.SelectMany(p => (object[])[p.Key, Text(p.Value)])]
            : [.. members.Select(p => p.Key)];
}

/// <summary>A status reply, such as OK.</summary>
internal sealed record SimStatus(string Text);

/// <summary>An error reply.</summary>
internal sealed class SimCommandException(string message) : Exception(message);

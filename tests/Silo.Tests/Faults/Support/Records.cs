using System.Text;
using System.Text.RegularExpressions;
using Gristmill.Redis;
using Gristmill.Store;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Faults.Support;

/// <summary>Reads what the store and the list hold, by the names that the test gave its items.</summary>
internal static partial class Records
{
    /// <summary>Waits until the list is empty, nothing waits or runs, and so many jobs have an outcome.</summary>
    public static async Task SettledAsync(FaultBench bench, long outcomes, TimeSpan? limit = null) => await Eventually.MatchesAsync(
        $"{outcomes} outcomes and nothing left", () => StandAsync(bench),
        s => s is { Listed: 0, Waiting: 0, Running: 0 } && s.Outcomes >= outcomes, limit ?? FaultBench.Patience);

    public static async Task<Stand> StandAsync(FaultBench bench)
    {
        var counts = await bench.Store.CountAsync();
        var waiting = counts.Queued + counts.Scheduled + counts.Deferred + counts.Retrying;
        return new Stand(await bench.Store.LengthAsync(FaultBench.ListOf(FaultBench.Queue)), waiting, counts.Running, FaultBench.Outcomes(counts));
    }

    /// <summary>All jobs of a queue.</summary>
    public static async Task<IReadOnlyList<JobView>> ReadAsync(QueueStore store)
    {
        var jobs = new List<JobView>();
        string? cursor = null;
        do
        {
            var page = await store.ListAsync(null, cursor, QueueStore.MaxPage);
            jobs.AddRange(page.Jobs);
            cursor = page.Cursor;
        }
        while (cursor is not null);
        return jobs;
    }

    /// <summary>The items that lie on the list.</summary>
    public static async Task<IReadOnlyList<string>> ListedAsync(FaultBench bench)
    {
        var reply = await bench.Redis.ExecuteAsync(new RedisCommand("LRANGE", FaultBench.ListOf(FaultBench.Queue), "0", "-1"));
        return [.. Enumerable.Range(0, reply.Count).Select(i => KeyOf(reply[i].Bytes))];
    }

    /// <summary>What the test calls the item with this payload.</summary>
    public static string KeyOf(ReadOnlyMemory<byte> payload) => KeyPattern().Match(Encoding.Latin1.GetString(payload.Span[..Math.Min(payload.Length, 200)])).Groups[1].Value;

    [GeneratedRegex("\"k\":\"([^\"]+)\"")]
    private static partial Regex KeyPattern();
}

/// <summary>Where a queue's jobs stand.</summary>
internal sealed record Stand(long Listed, long Waiting, long Running, long Outcomes);

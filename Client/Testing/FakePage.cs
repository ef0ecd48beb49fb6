using System.Globalization;

namespace Gristmill.Client.Testing;

/// <summary>Pages of what a fake has in memory.</summary>
internal static class FakePage
{
    public static (IReadOnlyList<T> Page, string? Cursor) Of<T>(IEnumerable<T> all, string? cursor, int limit)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, Store.QueueStore.MaxPage);
        var start = 0;
        if (cursor is not null && !int.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out start)) throw new FormatException($"'{cursor}' is no cursor of this queue.");
        var rest = all.Skip(start).Take(limit + 1).ToList();
        return rest.Count > limit ? (rest[..limit], (start + limit).ToString(CultureInfo.InvariantCulture)) : (rest, null);
    }
}

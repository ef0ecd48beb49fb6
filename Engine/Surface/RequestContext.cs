using System.Collections.Immutable;

namespace Gristmill.Engine;

/// <summary>
/// Values that travel with the calls made from here, and on with the calls those make. They never travel back.
/// </summary>
public static class RequestContext
{
    /// <summary>The most values that travel with a call.</summary>
    internal const int MaxEntries = 64;

    private static readonly AsyncLocal<ImmutableDictionary<string, object>?> Current = new();

    internal static ImmutableDictionary<string, object>? Values
    {
        get => Current.Value;
        set => Current.Value = value;
    }

    /// <summary>Gives a value.</summary>
    /// <param name="key">Its name.</param>
    /// <returns>The value, or null when there is none.</returns>
    public static object? Get(string key) => Current.Value?.GetValueOrDefault(key);

    /// <summary>Sets a value for the calls made from here on.</summary>
    /// <param name="key">Its name.</param>
    /// <param name="value">A string, bool, int, long, double, Guid, DateTimeOffset or TimeSpan.</param>
    /// <exception cref="ArgumentException">The value is of another type, or there are too many.</exception>
    public static void Set(string key, object value)
    {
        ArgumentNullException.ThrowIfNull(key);
        ContextValue.Check(key, value);
        var values = (Current.Value ?? ImmutableDictionary<string, object>.Empty).SetItem(key, value);
        if (values.Count > MaxEntries)
            throw new ArgumentException($"The request context holds at most {MaxEntries} values; '{key}' would be one more.", nameof(key));
        Current.Value = values;
    }

    /// <summary>Removes a value.</summary>
    /// <param name="key">Its name.</param>
    /// <returns>Whether it was there.</returns>
    public static bool Remove(string key)
    {
        if (Current.Value is not { } values || !values.ContainsKey(key))
            return false;
        Current.Value = values.Count == 1 ? null : values.Remove(key);
        return true;
    }

    /// <summary>Removes all values.</summary>
    public static void Clear()
    {
        if (Current.Value is not null)
            Current.Value = null;
    }
}

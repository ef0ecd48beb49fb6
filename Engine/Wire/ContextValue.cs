using System.Globalization;

namespace Gristmill.Engine;

/// <summary>A value of the request context on the wire: its kind and its text. The kinds are never reused.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.ContextValue")]
internal sealed record ContextValue([property: Id(0)] int Kind, [property: Id(1)] string Text)
{
    /// <summary>Throws when a value is of a kind that cannot travel.</summary>
    public static void Check(string key, object value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (value is not (string or bool or int or long or double or Guid or DateTimeOffset or TimeSpan))
            throw new ArgumentException($"The request context value '{key}' is a {value.GetType()}, which cannot travel with a call.", nameof(value));
    }

    public static ContextValue From(object value) => value switch
    {
        string text => new(0, text),
        bool flag => new(1, flag ? "1" : "0"),
        int number => new(2, number.ToString(CultureInfo.InvariantCulture)),
        long number => new(3, number.ToString(CultureInfo.InvariantCulture)),
        double number => new(4, number.ToString("R", CultureInfo.InvariantCulture)),
        Guid id => new(5, id.ToString("N")),
        DateTimeOffset time => new(6, time.ToString("O", CultureInfo.InvariantCulture)),
        TimeSpan span => new(7, span.Ticks.ToString(CultureInfo.InvariantCulture)),
        _ => throw new NotSupportedException($"A {value.GetType()} cannot travel with a call."),
    };

    /// <summary>The value; null for a kind of a later version.</summary>
    public object? Value => Kind switch
    {
        0 => Text,
        1 => Text == "1",
        2 => int.Parse(Text, CultureInfo.InvariantCulture),
        3 => long.Parse(Text, CultureInfo.InvariantCulture),
        4 => double.Parse(Text, CultureInfo.InvariantCulture),
        5 => Guid.ParseExact(Text, "N"),
        6 => DateTimeOffset.ParseExact(Text, "O", CultureInfo.InvariantCulture),
        7 => TimeSpan.FromTicks(long.Parse(Text, CultureInfo.InvariantCulture)),
        _ => null,
    };
}

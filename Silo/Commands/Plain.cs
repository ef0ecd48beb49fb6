using System.Globalization;
using Gristmill.Grains.Handlers;
using Spectre.Console;

namespace Gristmill.Silo.Commands;

/// <summary>Text for people, safe to show: what jobs bring must not steer the terminal.</summary>
internal static class Plain
{
    /// <summary>The text with control characters but line ends and tabs replaced.</summary>
    public static string Text(string? text) => PlainText.Of(text);

    /// <summary>A cell of a table.</summary>
    public static ListingCell Cell(string? text, Tone tone = Tone.Calm) => new(Text(OneLine(text)), tone);

    /// <summary>A line for a terminal; its tone is seen where there are colours.</summary>
    public static Text Line(string? text, Tone tone = Tone.Calm) => new(Text(OneLine(text)), StyleOf(tone));

    /// <summary>The text on one line.</summary>
    public static string OneLine(string? text) => (text ?? string.Empty).ReplaceLineEndings(" ");

    /// <summary>A number as a cell.</summary>
    public static ListingCell Cell(long number, Tone tone = Tone.Calm) => new(number.ToString(CultureInfo.InvariantCulture), tone);

    /// <summary>How many of what: 1 silo, 2 silos.</summary>
    public static string Count(long number, string one) => string.Create(CultureInfo.InvariantCulture, $"{number} {one}{(number == 1 ? "" : "s")}");

    /// <summary>A time, UTC, to the second.</summary>
    public static string Time(DateTimeOffset? time) =>
        time is { } at ? at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture) : "-";

    /// <summary>A span as people say it: 850 ms, 12 s, 3 min, 5 h, 2 d.</summary>
    public static string Span(double? seconds) => seconds switch
    {
        null => "-",
        < 1 => string.Create(CultureInfo.InvariantCulture, $"{seconds * 1000:0} ms"),
        < 120 => string.Create(CultureInfo.InvariantCulture, $"{seconds:0} s"),
        < 7200 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 60:0} min"),
        < 172_800 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600:0} h"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{seconds / 86_400:0} d"),
    };

    private static Style? StyleOf(Tone tone) => tone switch
    {
        Tone.Good => new Style(Color.Green),
        Tone.Notice => new Style(Color.Yellow),
        Tone.Alarm => new Style(Color.Red),
        _ => null,
    };
}

using Spectre.Console;
using Spectre.Console.Rendering;

namespace Gristmill.Silo.Commands;

/// <summary>
/// A table without lines, as it reads in a terminal and in a pipe. Where it is wider than the terminal, whole columns go
/// rather than that all of them break: first those in which nothing stands, then the long one is cut, then those that can
/// be spared. A pipe gets all of it.
/// </summary>
internal sealed class Listing(params string[] columns) : Renderable
{
    private const int Gap = 2;
    private const int ShortestCut = 24;
    private readonly List<ListingCell[]> _rows = [];
    private string[] _spared = [];
    private string? _long;

    /// <summary>The columns that can be spared, the first first.</summary>
    public Listing Sparing(params string[] names)
    {
        _spared = names;
        return this;
    }

    /// <summary>The column that can be cut.</summary>
    public Listing Cutting(string name)
    {
        _long = name;
        return this;
    }

    /// <summary>Adds a row, with a cell for each column.</summary>
    public void AddRow(params ListingCell[] cells) => _rows.Add(cells);

    protected override Measurement Measure(RenderOptions options, int maxWidth) => ((IRenderable)Fitted(maxWidth)).Measure(options, maxWidth);

    protected override IEnumerable<Segment> Render(RenderOptions options, int maxWidth) => ((IRenderable)Fitted(maxWidth)).Render(options, maxWidth);

    private Table Fitted(int maxWidth)
    {
        var spared = _spared.Select(name => Array.IndexOf(columns, name)).ToList();
        var cut = Array.IndexOf(columns, _long);
        var shown = Enumerable.Range(0, columns.Length).ToList();
        int Wide() => shown.Sum(c => (c == cut ? Math.Min(Width(c), ShortestCut) : Width(c)) + Gap);
        foreach (var column in spared.Where(IsEmpty).Concat(spared))
        {
            if (Wide() > maxWidth) shown.Remove(column);
        }

        var most = maxWidth - shown.Where(c => c != cut).Sum(c => Width(c) + Gap) - Gap;
        var table = new Table().Border(TableBorder.None);
        foreach (var column in shown) table.AddColumn(new TableColumn(new Text(columns[column], new Style(decoration: Decoration.Bold))).NoWrap().Padding(0, 0, Gap, 0));
        foreach (var row in _rows) table.AddRow(shown.Select(c => row[c].ToText(c == cut ? Math.Max(most, ShortestCut) : int.MaxValue)));
        return table;
    }

    private bool IsEmpty(int column) => _rows.TrueForAll(r => r[column].Text is "" or "-" or "0");

    private int Width(int column) => Math.Max(columns[column].Length, _rows.Count == 0 ? 0 : _rows.Max(r => r[column].Text.Length));
}

/// <summary>A cell of a <see cref="Listing"/>, on one line; its tone is seen on a terminal with colours.</summary>
internal readonly record struct ListingCell(string Text, Tone Tone)
{
    /// <summary>For the terminal, cut to a length.</summary>
    public Text ToText(int most) => Plain.Line(Text.Length > most ? Text[..(most - 1)] + "…" : Text, Tone);
}

/// <summary>How much a cell wants to be seen. What it says must be said by its text too.</summary>
internal enum Tone
{
    /// <summary>Like the rest.</summary>
    Calm,

    /// <summary>As it should be.</summary>
    Good,

    /// <summary>Not as always.</summary>
    Notice,

    /// <summary>Somebody should look.</summary>
    Alarm,
}

using Gristmill.Silo.Commands;
using Spectre.Console;

namespace Gristmill.Silo.Tests.Commands;

/// <summary>Tables on narrow terminals.</summary>
public sealed class ListingTests
{
    [Fact]
    public void Wide_terminal_shows_all() => Assert.Equal("ID  STATE  LATER  DEAD  ERROR                             \na   open   0      3     No such clip on the disk of mill-1\n", Draw(100));

    [Fact]
    public void Narrow_terminal_spares_empty_columns_first_and_cuts_the_long_one()
    {
        Assert.Equal("ID  STATE  DEAD  ERROR                     \na   open   3     No such clip on the disk …\n", Draw(45));
        Assert.Equal("ID  DEAD  ERROR                   \na   3     No such clip on the dis…\n", Draw(36));
    }

    private static string Draw(int width)
    {
        var output = new StringWriter { NewLine = "\n" };
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output), Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors });
        console.Profile.Width = width;
        var listing = new Listing("ID", "STATE", "LATER", "DEAD", "ERROR").Sparing("STATE", "LATER").Cutting("ERROR");
        listing.AddRow(Plain.Cell("a"), Plain.Cell("open"), Plain.Cell(0), Plain.Cell(3), Plain.Cell("No such clip on the disk of mill-1"));
        console.Write(listing);
        return output.ToString();
    }
}

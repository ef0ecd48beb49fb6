using System.Text;

namespace Gristmill.Silo.Configuration;

/// <summary>
/// A command line in words, as a shell would split it: at blanks, with 'single' and "double" quotes and backslashes. Nothing
/// else of a shell: no variables, no patterns, no pipes.
/// </summary>
internal static class ShellWords
{
    /// <summary>The words; null when a quote is not closed.</summary>
    public static IReadOnlyList<string>? Split(string line)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        var (begun, quote) = (false, '\0');
        for (var i = 0; i < line.Length; i++)
        {
            var c = line[i];
            if (c == '\\' && quote != '\'' && i + 1 < line.Length && (quote == '\0' || line[i + 1] is '"' or '\\'))
            {
                word.Append(line[++i]);
                begun = true;
            }
            else if (quote != '\0' ? c == quote : c is '\'' or '"')
            {
                (begun, quote) = (true, quote == '\0' ? c : '\0');
            }
            else if (quote == '\0' && char.IsWhiteSpace(c))
            {
                if (begun) words.Add(word.ToString());
                word.Clear();
                begun = false;
            }
            else
            {
                word.Append(c);
                begun = true;
            }
        }

        if (begun) words.Add(word.ToString());
        return quote == '\0' ? words : null;
    }
}

using System.Text.RegularExpressions;

namespace Gristmill.Silo.Configuration;

/// <summary>The bounds of labels, of silos and of the queues that ask for them.</summary>
internal static partial class LabelRules
{
    private const int MostLabels = 32;

    public static void Check(IReadOnlyList<string> labels, OptionProblems found)
    {
        if (labels.Count > MostLabels) found.AddMessage("Labels", $"has {labels.Count} labels; there may be at most {MostLabels}.");
        for (var i = 0; i < labels.Count; i++)
        {
            if (!Label().IsMatch(labels[i])) found.Add($"Labels:{i}", labels[i], "1 to 64 letters, digits, '.', '_', ':', '=' and '-'");
        }
    }

    [GeneratedRegex("^[A-Za-z0-9._:=-]{1,64}$")]
    private static partial Regex Label();
}

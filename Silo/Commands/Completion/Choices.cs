using System.CommandLine;

namespace Gristmill.Silo.Commands.Completion;

/// <summary>The words that a shell offers for an option; what it takes is checked elsewhere.</summary>
internal static class Choices
{
    /// <summary>Offers these.</summary>
    public static T Offering<T>(this T option, IEnumerable<string> words)
        where T : Option
    {
        option.CompletionSources.Add([.. words]);
        return option;
    }
}

using System.Globalization;

namespace Gristmill.Silo.Configuration;

/// <summary>Collects messages about options, each with the option's full path: Gristmill:Queues:asr:Window.</summary>
internal sealed class OptionProblems
{
    private readonly string _section;
    private readonly List<string> _messages;

    public OptionProblems(string section)
        : this(section, [])
    {
    }

    private OptionProblems(string section, List<string> messages)
    {
        _section = section;
        _messages = messages;
    }

    public IReadOnlyList<string> Messages => _messages;

    /// <summary>The same collection, for the options below.</summary>
    public OptionProblems Under(string section) => new(Path(section), _messages);

    public string Path(string option) => $"{_section}:{option}";

    public void AddRange(IEnumerable<string> messages) => _messages.AddRange(messages);

    /// <param name="option">Below this section; null for the section itself.</param>
    /// <param name="what">The rest of the sentence.</param>
    public void AddMessage(string? option, string what) => _messages.Add($"{(option is null ? _section : Path(option))} {what}");

    public void Add(string option, string value, string bound) => AddMessage(option, $"is '{value}'; it must be {bound}.");

    /// <summary>
    /// Names values that are none of their options'. Where a rule has told of such an option, its bound stands and only the
    /// value is put right: the rule has seen another.
    /// </summary>
    public void Add(IEnumerable<WrongValue> wrong)
    {
        const string must = "; it must be ";
        foreach (var (path, value, form) in wrong)
        {
            var at = _messages.FindIndex(m => m.StartsWith($"{path} is ", StringComparison.OrdinalIgnoreCase));
            var bound = at < 0 ? -1 : _messages[at].IndexOf(must, StringComparison.Ordinal);
            // A key that was put where its options belong is not repeated.
            var shown = path.TrimEnd([.. "0123456789:"]).EndsWith(":Access:Keys", StringComparison.OrdinalIgnoreCase) ? "(not shown)" : $"'{value}'";
            var message = $"{path} is {shown}{must}{form}{(bound < 0 ? "." : $" {_messages[at][(bound + must.Length)..]}")}";
            if (at < 0) _messages.Add(message);
            else _messages[at] = message;
        }
    }

    /// <summary>Also refuses what is no number; a bound that is none, since it hangs on another wrong option, is not looked at.</summary>
    public void Range(string option, double value, double least, double most)
    {
        if (value < least || value > most || double.IsNaN(value))
        {
            AddMessage(option, string.Create(CultureInfo.InvariantCulture, $"is {value}; it must be from {least:0.###} to {most:0.###}."));
        }
    }
}

using Gristmill.Client;

namespace Gristmill.Silo.Commands;

/// <summary>One thing for people: a line for each fact, and its errors with all their lines, as they can be read and copied.</summary>
internal sealed class FactSheet
{
    private const int Indent = 4;
    private readonly List<(string Name, string Value)> _facts = [];

    /// <summary>Adds a fact; one without a value is left out.</summary>
    public void Add(string name, string? value)
    {
        if (value is not null) _facts.Add((name, value));
    }

    /// <summary>Writes the facts under each other.</summary>
    public void Write(CommandRun run)
    {
        var width = _facts.Max(f => f.Name.Length);
        foreach (var (name, value) in _facts) run.WriteLine($"{name.PadRight(width)}  {Plain.OneLine(value)}");
    }

    /// <summary>Writes a history of errors: a line for each, and below it, further right, what it said besides.</summary>
    public static void WriteErrors(CommandRun run, IReadOnlyList<JobFailure> errors)
    {
        if (errors.Count == 0) return;
        run.WriteLine("errors, oldest first");
        foreach (var error in errors)
        {
            var lines = error.Message.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n');
            var attempt = error.Attempt > 0 ? $" attempt {error.Attempt}," : string.Empty;
            run.WriteLine($"  {Plain.Time(error.At)}{attempt} {error.Kind}: {lines[0]}");
            foreach (var line in lines[1..]) run.WriteLine(new string(' ', Indent) + line);
        }
    }
}

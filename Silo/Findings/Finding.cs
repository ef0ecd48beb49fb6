namespace Gristmill.Silo.Findings;

/// <summary>Something that is wrong, or will be, in one line, with what to do about it.</summary>
/// <param name="Code">A stable word for programs, such as queue_without_silo; docs/doctor.md lists them all.</param>
/// <param name="Severity">error (a queue cannot be served), warning, or info.</param>
/// <param name="Queue">The queue that it is about; null for none in particular.</param>
/// <param name="Message">What is wrong.</param>
/// <param name="Action">What to do.</param>
public sealed record Finding(string Code, string Severity, string? Queue, string Message, string Action)
{
    /// <summary>The severity with which a silo is not ready.</summary>
    public const string Error = "error";

    /// <summary>The severity of what will become an error, or costs something already.</summary>
    public const string Warning = "warning";

    /// <summary>The severity of what is only worth knowing.</summary>
    public const string Info = "info";

    /// <summary>The silo that says it of itself; null for what anybody sees in Redis.</summary>
    public string? Silo { get; init; }

    /// <summary>0 for the worst.</summary>
    internal int Rank => Severity switch { Error => 0, Warning => 1, _ => 2 };

    /// <summary>What it is about, apart from the figures in its message, which change from look to look.</summary>
    internal (string, string?, string?, string) Subject => (Code, Silo, Queue, Action);
}

/// <summary>What the silo finds wrong now.</summary>
public interface IFindingsSource
{
    /// <summary>All findings, the worst first; empty when all is well.</summary>
    IReadOnlyList<Finding> Current { get; }

    /// <summary>Those because of which this silo is not ready.</summary>
    IReadOnlyList<Finding> InTheWay => [.. Current.Where(f => f.Severity == Finding.Error)];
}

/// <summary>What one part of this silo finds wrong with itself; others read it in the silo's record.</summary>
internal interface IOwnFindings
{
    /// <summary>The findings now.</summary>
    IReadOnlyList<Finding> Current { get; }
}

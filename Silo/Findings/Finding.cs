namespace Gristmill.Silo.Findings;

/// <summary>Something that is wrong, or will be, in one line, with what to do about it.</summary>
/// <param name="Code">A stable word for programs, such as queue_without_silo.</param>
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
}

/// <summary>What the silo finds wrong now.</summary>
public interface IFindingsSource
{
    /// <summary>The findings of the last look, the worst first; empty when all is well.</summary>
    IReadOnlyList<Finding> Current { get; }
}

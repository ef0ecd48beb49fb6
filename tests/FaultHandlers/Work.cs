namespace Gristmill.FaultHandlers;

/// <summary>What the payload tells the handler to do.</summary>
public sealed record Work
{
    /// <summary>What the test calls the item; null where a test pushes something else.</summary>
    public string? K { get; init; }

    /// <summary>How long it works, ms.</summary>
    public int WorkMs { get; init; }

    /// <summary>How many attempts throw before one succeeds.</summary>
    public int Throws { get; init; }

    /// <summary>How often it reports progress.</summary>
    public int Reports { get; init; }

    /// <summary>Whether it takes no notice of being told to end.</summary>
    public bool Deaf { get; init; }

    /// <summary>A file for which it waits; null for none.</summary>
    public string? Gate { get; init; }
}

/// <summary>The result: which attempt it was, and under which token.</summary>
/// <param name="K">As in <see cref="Work"/>.</param>
/// <param name="Attempt">The attempt, from 1.</param>
/// <param name="Token">The fencing token.</param>
public sealed record WorkDone(string? K, int Attempt, string Token);

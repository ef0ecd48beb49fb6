using System.Globalization;

namespace Gristmill.FaultHandlers;

/// <summary>What happened to an attempt.</summary>
public enum LedgerMark
{
    /// <summary>The handler was called.</summary>
    Start,

    /// <summary>It returned a result.</summary>
    Done,

    /// <summary>It threw.</summary>
    Threw,

    /// <summary>It ended because it was told to.</summary>
    Ended,
}

/// <summary>One line of a ledger.</summary>
/// <param name="Mark">What happened.</param>
/// <param name="At">When: a timestamp of Stopwatch, which all processes of a machine share.</param>
/// <param name="Queue">The queue.</param>
/// <param name="Key">What the test calls the item; "-" where it has no name.</param>
/// <param name="JobId">The job.</param>
/// <param name="Attempt">The attempt, from 1.</param>
/// <param name="Token">The fencing token.</param>
public sealed record LedgerLine(LedgerMark Mark, long At, string Queue, string Key, string JobId, int Attempt, string Token)
{
    /// <summary>The process that wrote it; 0 until it is read.</summary>
    public int ProcessId { get; init; }

    public static LedgerLine Parse(string line, int processId)
    {
        var words = line.Split('\t');
        return new LedgerLine(
            Enum.Parse<LedgerMark>(words[0]), long.Parse(words[1], CultureInfo.InvariantCulture), words[2], words[3], words[4],
            int.Parse(words[5], CultureInfo.InvariantCulture), words[6]) { ProcessId = processId };
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Mark}\t{At}\t{Queue}\t{Key}\t{JobId}\t{Attempt}\t{Token}");
}

using System.Globalization;
using Gristmill.FaultHandlers;

namespace Gristmill.Silo.Tests.Faults.Support;

/// <summary>What the handlers of all silos of a bench have written: a file for each process.</summary>
internal sealed class Ledger
{
    public Ledger(string folder) => Folder = Directory.CreateDirectory(Path.Combine(folder, "ledger")).FullName;

    public string Folder { get; }

    /// <summary>All whole lines so far, in order of time.</summary>
    public IReadOnlyList<LedgerLine> Read() =>
        [.. Directory.EnumerateFiles(Folder).SelectMany(f => Read(f, int.Parse(Path.GetFileName(f), CultureInfo.InvariantCulture))).OrderBy(l => l.At)];

    public IReadOnlyList<LedgerLine> Of(string key) => [.. Read().Where(l => l.Key == key)];

    /// <summary>Waits for a line.</summary>
    public async Task<LedgerLine> HasAsync(string expected, Func<LedgerLine, bool> wanted) =>
        (await Testing.Eventually.MatchesAsync(expected, () => Task.FromResult(Read().FirstOrDefault(wanted)), l => l is not null, FaultBench.Patience))!;

    private static IEnumerable<LedgerLine> Read(string file, int processId)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream);
        var text = reader.ReadToEnd();
        foreach (var line in text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            yield return LedgerLine.Parse(line, processId);
        }
    }
}

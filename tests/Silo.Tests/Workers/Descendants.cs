using System.Globalization;
using System.Text;
using Gristmill.Silo.Tests.Faults.Support;

namespace Gristmill.Silo.Tests.Workers;

/// <summary>
/// All processes that came of one silo, wherever they went: it has a variable of the test's own in its environment, which they
/// inherit. The product's own mark is another one, so this finds what that might miss.
/// </summary>
internal sealed class Descendants
{
    private const string Variable = "GRISTMILL_TEST_DESCENDANTS";

    private readonly string _value = Guid.NewGuid().ToString("N");

    /// <summary>The variable, for the silo's environment.</summary>
    public KeyValuePair<string, string> Mark => new(Variable, _value);

    /// <summary>The command lines of those that live, by process id.</summary>
    public IReadOnlyDictionary<int, string> List()
    {
        var found = new Dictionary<int, string>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var id) && Read(folder, "environ").Contains($"{Variable}={_value}", StringComparison.Ordinal))
            {
                found[id] = Read(folder, "cmdline").Replace('\0', ' ');
            }
        }

        return found;
    }

    /// <summary>Waits until only these are left.</summary>
    /// <param name="expected">In words.</param>
    /// <param name="belongs">Whether one with this command line may live.</param>
    /// <param name="limit">Within which they must be gone.</param>
    public Task OnlyAsync(string expected, Func<string, bool> belongs, TimeSpan limit) => Testing.Eventually.MatchesAsync(
        expected, () => Task.FromResult(new Left(List().Where(p => !belongs(p.Value)))), left => left.Count == 0, limit * FaultBench.Slowness, TestContext.Current.CancellationToken);

    // Of a process that has just ended, or is another user's, nothing can be read.
    private static string Read(string folder, string file)
    {
        try
        {
            return Encoding.UTF8.GetString(File.ReadAllBytes(Path.Combine(folder, file)));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private sealed class Left(IEnumerable<KeyValuePair<int, string>> processes) : List<KeyValuePair<int, string>>(processes)
    {
        public override string ToString() => $"{Count} too many: {string.Join("; ", this.Select(p => $"{p.Key} {p.Value}"))}";
    }
}

using System.Globalization;

namespace Gristmill.Store;

/// <summary>
/// Named places where a test makes this process die as by SIGKILL: before a script is sent, or after its reply has come.
/// Off unless the environment variable GRISTMILL_FAILPOINT names one as "verb:before:count" or "verb:after:count"; the
/// count-th time that the place is reached, the process ends without any clean-up.
/// </summary>
internal static class Failpoints
{
    private static readonly (string Verb, string Side, int Count)? Armed = Parse(Environment.GetEnvironmentVariable("GRISTMILL_FAILPOINT"));
    private static int _hits;

    public static void Hit(string verb, string side)
    {
        if (Armed is not { } armed || armed.Verb != verb || armed.Side != side) return;
        if (Interlocked.Increment(ref _hits) == armed.Count)
        {
            using var self = System.Diagnostics.Process.GetCurrentProcess();
            self.Kill();
        }
    }

    private static (string, string, int)? Parse(string? text)
    {
        var parts = text?.Split(':');
        return parts is [var verb, "before" or "after", var count] && int.TryParse(count, CultureInfo.InvariantCulture, out var n)
            ? (verb, parts[1], n)
            : null;
    }
}

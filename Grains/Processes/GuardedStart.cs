using System.Diagnostics;

namespace Gristmill.Grains.Processes;

/// <summary>
/// How a child process is started that a <see cref="ProcessGuard"/> shall watch: in a session of its own, by a shell that
/// waits for a line and then becomes the program. The line is sent when the guard already watches it, so that at no moment
/// the silo can die and leave it behind.
/// </summary>
internal static class GuardedStart
{
    // `read` takes no byte more than the line; exec keeps the process id.
    private const string Stub = "IFS= read -r go && exec \"$@\"";

    /// <summary>The line that lets the program start; written to standard input after <see cref="ProcessGuard.Watch"/>.</summary>
    public static ReadOnlySpan<byte> Go => "go\n"u8;

    /// <summary>Starts nothing yet. The process's id will also be that of its session and its process group.</summary>
    /// <param name="name">What the waiting shell is called in a list of processes.</param>
    /// <param name="command">The program and its arguments.</param>
    public static ProcessStartInfo Info(string name, IEnumerable<string> command)
    {
        var start = new ProcessStartInfo("setsid") { RedirectStandardInput = true };
        foreach (var argument in (string[])["sh", "-c", Stub, name, .. command])
        {
            start.ArgumentList.Add(argument);
        }

        return start;
    }
}

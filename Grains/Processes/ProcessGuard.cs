using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Gristmill.Grains.Processes;

/// <summary>
/// Kills the process groups of workers and of the embedded store when the silo dies, however it dies. A tiny <c>sh</c>
/// in a session of its own reads from a pipe that only the silo holds which groups to watch; the pipe's end is the
/// silo's end, and the kernel closes it even after kill -9.
/// </summary>
/// <remarks>
/// PR_SET_PDEATHSIG would not do: it follows the thread that started the worker, it is not inherited by the worker's
/// children, and it is cleared on exec of a set-user-id program. A guard that dies is replaced by its owner's next look (<see cref="EnsureRunning"/>).
/// </remarks>
internal sealed class ProcessGuard : IDisposable
{
    // Signals to the silo's whole control group (a service manager's stop) must not end the guard before the silo.
    private const string Script =
        """
        exec >/dev/null 2>&1
        trap '' HUP INT TERM
        groups=
        while IFS= read -r line; do
          group=${line#?}
          case $line in
            +*) groups="$groups $group" ;;
            -*) left=; for g in $groups; do [ "$g" = "$group" ] || left="$left $g"; done; groups=$left ;;
          esac
        done
        for g in $groups; do kill -s KILL -- "-$g"; done
        """;

    private readonly Lock _gate = new();
    private readonly HashSet<int> _watched = [];
    private Process? _shell;
    private bool _disposed;

    /// <summary>The guard's own process, for tests.</summary>
    internal int ProcessId => _shell?.Id ?? 0;

    /// <summary>Starts the guard if it is not there.</summary>
    public void EnsureRunning()
    {
        lock (_gate)
        {
            if (_disposed || _shell is { HasExited: false })
            {
                return;
            }

            _shell?.Dispose();
            var start = new ProcessStartInfo("setsid") { RedirectStandardInput = true };
            foreach (var argument in (string[])["sh", "-c", Script, "gristmill-guard"])
            {
                start.ArgumentList.Add(argument);
            }

            _shell = Process.Start(start)!;
            foreach (var group in _watched)
            {
                Tell('+', group);
            }
        }
    }

    public void Watch(int groupId)
    {
        lock (_gate)
        {
            _watched.Add(groupId);
            Tell('+', groupId);
        }
    }

    public void Forget(int groupId)
    {
        lock (_gate)
        {
            _watched.Remove(groupId);
            Tell('-', groupId);
        }
    }

    /// <summary>Closes the pipe; the guard kills what it still watches and ends.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _shell?.StandardInput.BaseStream.Dispose();
            _shell?.Dispose();
            _shell = null;
        }
    }

    private void Tell(char what, int group)
    {
        try
        {
            _shell?.StandardInput.BaseStream.Write(
                Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{what}{group}\n")));
        }
        catch (IOException)
        {
            // The guard is gone; the next sweep starts another one and tells it everything.
        }
    }
}

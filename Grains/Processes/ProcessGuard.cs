using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Gristmill.Grains.Processes;

/// <summary>
/// Kills the process groups of workers and of the embedded store when the silo dies, however it dies. A tiny <c>sh</c>
/// in a session of its own reads from a pipe that only the silo holds which groups to watch; the pipe's end is the
/// silo's end, and the kernel closes it even after kill -9. What has left its group is found by its <see cref="ProcessMark"/>.
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
        round=0
        while [ "$round" -lt "$2" ]; do
          found=$(grep -lsF "$1" /proc/[0-9]*/environ)
          [ -n "$found" ] || break
          for f in $found; do f=${f#/proc/}; kill -s KILL "${f%%/*}"; done
          round=$((round + 1))
        done
        """;

    private readonly Lock _gate = new();
    private readonly HashSet<int> _watched = [];
    private readonly string _mark = $"{Guid.NewGuid():N}/";
    private Process? _shell;
    private long _lastMark;
    private bool _disposed;

    /// <summary>The guard's own process, for tests.</summary>
    internal int ProcessId
    {
        get
        {
            lock (_gate)
            {
                return _shell?.Id ?? 0;
            }
        }
    }

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
            string[] words =
            [
                "sh", "-c", Script, "gristmill-guard", ProcessMark.Entry(_mark), ProcessMark.MaxRounds.ToString(CultureInfo.InvariantCulture),
            ];
            foreach (var argument in words)
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

    /// <summary>A mark for the environment of one process that is to be watched: its children are killed with it wherever they go.</summary>
    public ProcessMark NewMark() => ProcessMark.Of(_mark, Interlocked.Increment(ref _lastMark));

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

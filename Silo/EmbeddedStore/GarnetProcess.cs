using System.Diagnostics;
using System.Globalization;
using Gristmill.Grains.Options;
using Gristmill.Grains.Processes;

namespace Gristmill.Silo.EmbeddedStore;

/// <summary>
/// One run of the Garnet server: a child process on loopback in a session of its own, that the guard kills when the silo
/// dies. It writes its log itself, and holds the lock on its data for as long as it lives: a server that is still dying
/// and the next one never have the same files open.
/// </summary>
/// <remarks>
/// How durable it is. `--aof-commit-wait` makes a reply wait until the operation is in the append-only file, so that kill
/// -9 of the server loses nothing that was answered (without it, commits are issued at each operation but the reply does
/// not wait; with `--aof-commit-freq 1000` a second of answered writes is lost, also by SIGTERM, which Garnet does not
/// handle). As with Redis, what the operating system has not yet written is lost when the machine loses power. Each 256
/// MiB of the file, Garnet takes a checkpoint and cuts the file, so that disk and start-up time stay bounded. With
/// `--storage-tier`, what does not fit the memory moves to disk; without it, it would be dropped.
/// </remarks>
internal sealed class GarnetProcess : IDisposable
{
    // The descriptor is inherited by the program, and with it the lock.
    private const string Stub = "exec >>\"$2\" 2>&1; exec 9>>\"$1\"; flock -w 30 9 || exit 75; shift 2; exec \"$@\"";

    private readonly Process _process;
    private readonly ProcessGuard _guard;
    private readonly StoreFolder _folder;
    private readonly long _logStart;

    private GarnetProcess(Process process, ProcessGuard guard, StoreFolder folder, int port)
    {
        _process = process;
        _guard = guard;
        _folder = folder;
        _logStart = folder.LogLength();
        Port = port;
    }

    public int Port { get; }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public int ExitCode => _process.ExitCode;

    /// <summary>The last lines that this run logged.</summary>
    public string LogTail => _folder.LogTail(_logStart);

    /// <summary>Starts the server; it does not serve yet.</summary>
    public static GarnetProcess Start(EmbeddedStoreOptions options, StoreFolder folder, int port, ProcessGuard guard)
    {
        var start = GuardedStart.Info(
            "gristmill-store",
            ["sh", "-c", Stub, "gristmill-store", folder.DataLock, folder.LogFile, GarnetPackage.FindDotnet(), GarnetPackage.FindServer(), .. Flags(options, folder, port)]);
        start.WorkingDirectory = folder.FullPath;

        // The server's default takes a heap per core; this store is small and shares the machine with the work.
        start.Environment["DOTNET_gcServer"] = "0";
        guard.EnsureRunning();
        var process = Process.Start(start)!;
        var server = new GarnetProcess(process, guard, folder, port);
        guard.Watch(process.Id);
        process.StandardInput.BaseStream.Write(GuardedStart.Go);
        return server;
    }

    public Task WaitForExitAsync(CancellationToken cancellationToken) => _process.WaitForExitAsync(cancellationToken);

    public void Signal(int signal) => ProcessGroup.Signal(_process.Id, signal);

    /// <summary>Ends it at once if it still runs.</summary>
    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Signal(ProcessGroup.SigKill);
            _process.WaitForExit();
        }

        _guard.Forget(_process.Id);
        _process.Dispose();
    }

    private static string[] Flags(EmbeddedStoreOptions options, StoreFolder folder, int port) =>
    [
        "--bind", "127.0.0.1",
        "--port", port.ToString(CultureInfo.InvariantCulture),
        "--lua", "--lua-transaction-mode",
        "--recover", "--checkpointdir", folder.Data,
        "--aof", "--aof-commit-wait", "--aof-size-limit", "256m", "--aof-segment-size", "64m",
        "--device-type", "RandomAccess",
        "--storage-tier", "--logdir", folder.Data,
        "--memory", string.Create(CultureInfo.InvariantCulture, $"{options.MemoryMiB}m"), "--page", "4m", "--index", "16m",
    ];
}

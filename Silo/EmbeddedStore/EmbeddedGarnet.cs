using Gristmill.Grains.Options;
using Gristmill.Grains.Processes;
using Gristmill.Redis;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gristmill.Silo.EmbeddedStore;

/// <summary>
/// The store of a silo for which no Redis is configured: Microsoft Garnet as a child process on loopback, durable in a
/// folder. Started before the host, disposed after it. Its parts: <see cref="GarnetPackage"/> finds the server,
/// <see cref="StoreFolder"/> names its files, <see cref="GarnetProcess"/> is one run of it; this class decides when one runs.
/// </summary>
/// <remarks>
/// One silo of a folder owns the store: it starts it, starts it again on the same port when it dies, and stops it. Other
/// silos of the folder use it, and when the owner is gone one of them becomes the owner and starts it again on the same
/// port, so that everyone's clients find it. A silo that dies takes its store along (<see cref="ProcessGuard"/>); what was
/// answered is on disk by then (<see cref="GarnetProcess"/>).
/// </remarks>
internal sealed class EmbeddedGarnet : IAsyncDisposable
{
    /// <summary>A start replays the append-only file: some 100 MiB a second.</summary>
    private static readonly TimeSpan ReadyLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LookPeriod = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan LongestBackoff = TimeSpan.FromSeconds(10);

    private readonly EmbeddedStoreOptions _options;
    private readonly StoreFolder _folder;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly ProcessGuard _guard = new();
    private readonly CancellationTokenSource _stop = new();
    private FileStream? _ownership;
    private GarnetProcess? _server;
    private Task _supervision = Task.CompletedTask;

    private EmbeddedGarnet(EmbeddedStoreOptions options, ILoggerFactory loggers, TimeProvider time)
    {
        _options = options;
        _folder = new StoreFolder(options.Folder);
        _logger = loggers.CreateLogger("Gristmill.EmbeddedStore");
        _time = time;
    }

    /// <summary>redis://127.0.0.1:port; stays the same until this is disposed.</summary>
    public string Url { get; private set; } = "";

    /// <summary>Whether this silo runs the store, rather than another one of the same folder.</summary>
    public bool IsOwner => Volatile.Read(ref _ownership) is not null;

    /// <summary>The server's process, for tests; 0 while none of this silo's runs.</summary>
    internal int ServerProcessId => Volatile.Read(ref _server)?.Id ?? 0;

    /// <summary>The guard's process, for tests.</summary>
    internal int GuardProcessId => _guard.ProcessId;

    /// <summary>Where a store of this folder serves; null when none runs. For commands beside a silo.</summary>
    public static string? FindEndpoint(EmbeddedStoreOptions options) => new StoreFolder(options.Folder).ReadEndpoint();

    /// <summary>Starts the store, or finds the one that another silo of the folder runs; returns when it answers.</summary>
    /// <exception cref="EmbeddedStoreException">It cannot be had; the message says why.</exception>
    public static async Task<EmbeddedGarnet> StartAsync(
        EmbeddedStoreOptions options, ILoggerFactory loggers, TimeProvider time, CancellationToken cancellationToken)
    {
        var store = new EmbeddedGarnet(options, loggers, time);
        try
        {
            store._folder.Create();
            await store.ObtainAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            await store.DisposeAsync().ConfigureAwait(false);
            if (error is IOException or UnauthorizedAccessException)
            {
                throw new EmbeddedStoreException(
                    $"The embedded store cannot use the folder {store._folder.FullPath} (Gristmill:Embedded:Folder): {error.Message}", error);
            }

            throw;
        }

        store._supervision = Task.Run(store.SuperviseAsync, CancellationToken.None);
        return store;
    }

    /// <summary>Stops the server if it is this silo's: what it has is committed first.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _supervision.ConfigureAwait(false);
        if (_server is { } server)
        {
            _folder.DeleteEndpoint();
            await StopAsync(server).ConfigureAwait(false);
            server.Dispose();
            Volatile.Write(ref _server, null);
        }

        _ownership?.Dispose();
        _guard.Dispose();
        _stop.Dispose();
    }

    /// <summary>Whichever comes first: this silo owns the folder and starts a server, or another's server answers.</summary>
    private async Task ObtainAsync(CancellationToken cancellationToken)
    {
        var began = _time.GetTimestamp();
        while (true)
        {
            if (TryOwn())
            {
                var port = _options.Port != 0 ? _options.Port : LoopbackPort.Free(_folder.LastPort());
                await LaunchAsync(port, cancellationToken).ConfigureAwait(false);
                EmbeddedGarnetLog.Started(_logger, Url, _folder.FullPath);
                return;
            }

            if (_folder.ReadEndpoint() is { } url && await AnswersAsync(url, cancellationToken).ConfigureAwait(false))
            {
                Url = url;
                EmbeddedGarnetLog.Shared(_logger, Url, _folder.FullPath);
                return;
            }

            if (_time.GetElapsedTime(began) > ReadyLimit)
            {
                throw new EmbeddedStoreException(
                    $"Another silo holds the embedded store in {_folder.FullPath}, but its store does not answer within " +
                    $"{ReadyLimit.TotalSeconds:0} s. Stop that silo, or give this one a folder of its own (Gristmill:Embedded:Folder).");
            }

            await Task.Delay(LookPeriod, _time, cancellationToken).ConfigureAwait(false);
        }
    }

    private bool TryOwn()
    {
        if (_ownership is null && _folder.TryOwn() is { } ownership)
        {
            Volatile.Write(ref _ownership, ownership);
        }

        return _ownership is not null;
    }

    /// <summary>Starts a server on a port and waits until it answers.</summary>
    private async Task LaunchAsync(int port, CancellationToken cancellationToken)
    {
        if (!LoopbackPort.IsFree(port))
        {
            throw new EmbeddedStoreException(
                $"The port {port} of the embedded store is taken by another program. Choose another with Gristmill:Embedded:Port (0 for a free one).");
        }

        _folder.RotateLog();
        var server = GarnetProcess.Start(_options, _folder, port, _guard);
        Volatile.Write(ref _server, server);
        Url = $"redis://127.0.0.1:{port}";
        try
        {
            await ReadyAsync(server, cancellationToken).ConfigureAwait(false);
            _folder.WriteEndpoint(Url, port);
        }
        catch
        {
            server.Dispose();
            Volatile.Write(ref _server, null);
            throw;
        }
    }

    private async Task ReadyAsync(GarnetProcess server, CancellationToken cancellationToken)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using var client = Connect(Url);
        var ping = client.ExecuteAsync(new RedisCommand("PING").WithTimeout(ReadyLimit), over.Token).AsTask();
        var exit = server.WaitForExitAsync(over.Token);
        var first = await Task.WhenAny(ping, exit).ConfigureAwait(false);
        if (first == ping && ping.IsCompletedSuccessfully && !server.HasExited)
        {
            await over.CancelAsync().ConfigureAwait(false);
            return;
        }

        cancellationToken.ThrowIfCancellationRequested();
        await over.CancelAsync().ConfigureAwait(false);
        var what = server.HasExited
            ? $"ended with status {server.ExitCode} while starting"
            : $"did not answer within {ReadyLimit.TotalSeconds:0} s";
        throw new EmbeddedStoreException($"The embedded store (Microsoft Garnet on port {server.Port}) {what}. The end of {_folder.LogFile}:\n{server.LogTail}");
    }

    private async Task<bool> AnswersAsync(string url, CancellationToken cancellationToken)
    {
        await using var client = Connect(url);
        try
        {
            await client.ExecuteAsync(new RedisCommand("PING").WithTimeout(LookPeriod), cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (RedisException)
        {
            return false;
        }
    }

    /// <summary>Keeps a server running: this silo's when it dies, and another's when its silo is gone.</summary>
    private async Task SuperviseAsync()
    {
        var backoff = LookPeriod;
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                if (_server is { HasExited: false } running)
                {
                    await WatchAsync(running).ConfigureAwait(false);
                    backoff = LookPeriod;
                    continue;
                }

                await Task.Delay(backoff, _time, _stop.Token).ConfigureAwait(false);
                if (TryOwn())
                {
                    await LaunchAsync(new Uri(Url).Port, _stop.Token).ConfigureAwait(false);
                    EmbeddedGarnetLog.StartedAgain(_logger, Url, _folder.FullPath);
                }
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error) when (error is EmbeddedStoreException or IOException or UnauthorizedAccessException)
            {
                backoff = backoff * 2 < LongestBackoff ? backoff * 2 : LongestBackoff;
                EmbeddedGarnetLog.CannotStartAgain(_logger, error.Message, backoff.TotalSeconds);
            }
        }
    }

    /// <summary>Returns when the server has ended, and keeps its guard alive until then.</summary>
    private async Task WatchAsync(GarnetProcess server)
    {
        var exit = server.WaitForExitAsync(_stop.Token);
        while (!exit.IsCompleted)
        {
            _guard.EnsureRunning();
            using var look = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            await Task.WhenAny(exit, Task.Delay(LookPeriod, _time, look.Token)).ConfigureAwait(false);
            await look.CancelAsync().ConfigureAwait(false);
        }

        await exit.ConfigureAwait(false);
        EmbeddedGarnetLog.Lost(_logger, server.Id, server.ExitCode, server.LogTail);
        server.Dispose();
        Volatile.Write(ref _server, null);
    }

    /// <summary>Garnet ends at once on SIGTERM, so that what it holds is committed by command first.</summary>
    private async Task StopAsync(GarnetProcess server)
    {
        try
        {
            await using var client = Connect(Url);
            await client.ExecuteAsync(new RedisCommand("COMMITAOF").WithTimeout(StopLimit)).ConfigureAwait(false);
            server.Signal(ProcessGroup.SigTerm);
            using var limit = new CancellationTokenSource(StopLimit, _time);
            await server.WaitForExitAsync(limit.Token).ConfigureAwait(false);
            EmbeddedGarnetLog.Stopped(_logger, _folder.FullPath);
        }
        catch (Exception error) when (error is RedisException or OperationCanceledException)
        {
            EmbeddedGarnetLog.StoppedHard(_logger, error.Message);
        }
    }

    private IRedisClient Connect(string url)
    {
        var options = RedisOptions.Parse(url);
        options.ClientName = "gristmill-store";
        options.BackoffMin = TimeSpan.FromMilliseconds(20);
        options.BackoffMax = TimeSpan.FromMilliseconds(200);
        return RedisClient.Connect(options, NullLoggerFactory.Instance, _time);
    }
}

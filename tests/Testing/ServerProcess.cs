using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Gristmill.Testing;

/// <summary>
/// What the servers have in common: a free port, starting until a PING is answered, signals, restart, clean-up. How each is
/// called on the command line and ended stands in its own class.
/// </summary>
public abstract class ServerProcess : IRedisServer
{
    /// <summary>Another process can take a port between finding it free and using it.</summary>
    private const int PortAttempts = 5;
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(20);
    private readonly TempFolder _folder = new();
    private ChildProcess? _process;

    public abstract StoreKind Kind { get; }

    public string Host => "127.0.0.1";

    public int Port { get; private set; }

    public string Url => Password is null ? $"redis://{Host}:{Port}" : $"redis://:{Uri.EscapeDataString(Password)}@{Host}:{Port}";

    public string Folder => _folder.Path;

    public int ProcessId => Process.Id;

    public bool IsRunning => _process?.IsRunning == true;

    protected abstract string? Password { get; }

    protected ChildProcess Process => _process ?? throw new InvalidOperationException("The server has not been started.");

    public abstract Task StopAsync();

    public Task KillAsync() => Process.KillAsync();

    public void Freeze() => Process.Signal(Signals.Stop);

    public void Thaw() => Process.Signal(Signals.Continue);

    public async Task StartAgainAsync(bool waitUntilReady = true)
    {
        if (IsRunning)
        {
            throw new InvalidOperationException("The server is running.");
        }

        await LaunchAsync();
        if (waitUntilReady)
        {
            await ReadyAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        _folder.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>A port that is free at this moment.</summary>
    public static int FreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }

    protected abstract (string Program, IEnumerable<string> Arguments) CommandLine();

    protected async Task StartFirstAsync()
    {
        for (var attempt = 1; ; attempt++)
        {
            Port = FreePort();
            await LaunchAsync();
            try
            {
                await ReadyAsync();
                return;
            }
            catch (InvalidOperationException) when (attempt < PortAttempts)
            {
                // It ended at once: most likely the port was taken.
            }
            catch
            {
                await DisposeAsync();
                throw;
            }
        }
    }

    /// <summary>Sends SIGTERM, which both servers take as an orderly end.</summary>
    protected async Task TerminateAsync()
    {
        Thaw();
        Process.Signal(Signals.Term);
        await Process.WaitForExitAsync(StopLimit);
    }

    private async Task LaunchAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        var (program, arguments) = CommandLine();
        _process = await ChildProcess.StartAsync(program, arguments, Folder);
    }

    private async Task ReadyAsync()
    {
        try
        {
            await Eventually.TrueAsync(
                $"{Kind} on port {Port} answers",
                async () => !IsRunning || await AnswersAsync(),
                TimeSpan.FromSeconds(60));
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message} Its output:\n{Process.Output}");
        }

        if (!IsRunning)
        {
            throw new InvalidOperationException($"{Kind} ended with {Process.ExitCode}. Its output:\n{Process.Output}");
        }
    }

    /// <summary>PONG, or the wish for a password: either way it serves.</summary>
    private async Task<bool> AnswersAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, Port, limit.Token);
        await socket.SendAsync("*1\r\n$4\r\nPING\r\n"u8.ToArray(), limit.Token);
        var buffer = new byte[64];
        var count = await socket.ReceiveAsync(buffer, limit.Token);
        var text = Encoding.ASCII.GetString(buffer, 0, count);
        return text.StartsWith("+PONG", StringComparison.Ordinal) || text.StartsWith("-NOAUTH", StringComparison.Ordinal);
    }
}

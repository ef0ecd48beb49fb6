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
    /// <summary>A process of another kind can take a port between finding it free and using it.</summary>
    private const int PortAttempts = 5;
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan SayLimit = TimeSpan.FromSeconds(5);
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

    public void Freeze() => Process.Freeze();

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

    protected abstract (string Program, IEnumerable<string> Arguments) CommandLine();

    protected async Task StartFirstAsync()
    {
        for (var attempt = 1; ; attempt++)
        {
            Port = Ports.Next();
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

    /// <summary>Sends one command on a connection of its own, without the client that is under test.</summary>
    /// <returns>The first bytes of the reply, as they stand on the wire.</returns>
    protected async Task<string> SayAsync(params string[] words)
    {
        using var limit = new CancellationTokenSource(SayLimit);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, Port, limit.Token);
        if (Password is not null && words[0] != "PING")
        {
            await ExchangeAsync(socket, ["AUTH", Password], limit.Token);
        }

        return await ExchangeAsync(socket, words, limit.Token);
    }

    /// <summary>Sends SIGTERM, which both servers take as an orderly end.</summary>
    protected async Task TerminateAsync()
    {
        Thaw();
        Process.Signal(Signals.Term);
        await Process.WaitForExitAsync(StopLimit);
    }

    private static async Task<string> ExchangeAsync(Socket socket, string[] words, CancellationToken cancellationToken)
    {
        var command = new StringBuilder($"*{words.Length}\r\n");
        foreach (var word in words)
        {
            command.Append($"${Encoding.UTF8.GetByteCount(word)}\r\n{word}\r\n");
        }

        await socket.SendAsync(Encoding.UTF8.GetBytes(command.ToString()), cancellationToken);
        var buffer = new byte[256];
        return Encoding.UTF8.GetString(buffer, 0, await socket.ReceiveAsync(buffer, cancellationToken));
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
        var text = await SayAsync("PING");
        return text.StartsWith("+PONG", StringComparison.Ordinal) || text.StartsWith("-NOAUTH", StringComparison.Ordinal);
    }
}

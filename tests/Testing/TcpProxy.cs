using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Gristmill.Testing;

/// <summary>
/// Stands between a client and a server on loopback, and is as bad as a network can be: stalls, cuts with RST, refuses,
/// delays, and hands replies over byte by byte. Faults apply to the connections that are open and to those that come.
/// </summary>
public sealed class TcpProxy : IAsyncDisposable
{
    private readonly IPEndPoint _target;
    private readonly ConcurrentDictionary<ProxiedConnection, Task> _open = new();
    private readonly CancellationTokenSource _stop = new();
    private Socket? _listener;
    private Task _accepting = Task.CompletedTask;
    private TaskCompletionSource _flow = Flowing();
    private TaskCompletionSource _replies = Flowing();
    private long _replyBytesLeft = long.MaxValue;

    private TcpProxy(int target) => _target = new IPEndPoint(IPAddress.Loopback, target);

    public int Port { get; private set; }

    public string Url => $"redis://127.0.0.1:{Port}";

    /// <summary>Held back before each piece that passes, in either direction.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>Whether replies are passed on in writes of one byte.</summary>
    public bool SplitReplies { get; set; }

    /// <summary>Connections that are open now.</summary>
    public int Connections => _open.Count;

    internal Task Flow => Volatile.Read(ref _flow).Task;

    internal Task Replies => Volatile.Read(ref _replies).Task;

    public static TcpProxy Start(int target)
    {
        var proxy = new TcpProxy(target);
        proxy.Listen();
        return proxy;
    }

    /// <summary>Holds everything back; connections stay open.</summary>
    public void Stall() => Volatile.Write(ref _flow, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));

    /// <summary>Holds replies back: what the client sends still arrives.</summary>
    public void StallReplies() => Volatile.Write(ref _replies, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));

    /// <summary>Lets it flow again, what was held back first.</summary>
    public void Resume()
    {
        Volatile.Read(ref _flow).TrySetResult();
        Volatile.Read(ref _replies).TrySetResult();
    }

    /// <summary>Resets all connections that are open.</summary>
    public void Cut()
    {
        foreach (var connection in _open.Keys)
        {
            connection.Reset();
        }
    }

    /// <summary>Passes on that many more bytes of replies, over all connections, and then resets the connection in the midst of it.</summary>
    public void CutAfterReplyBytes(long bytes) => Interlocked.Exchange(ref _replyBytesLeft, bytes);

    /// <summary>Stops listening: new connections are refused. Open ones stay.</summary>
    public async Task RefuseNewAsync()
    {
        _listener?.Dispose();
        _listener = null;
        await _accepting;
    }

    /// <summary>Listens again on the same port.</summary>
    public void AcceptNew() => Listen();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        Resume();
        await RefuseNewAsync();
        Cut();
        await Task.WhenAll(_open.Values);
        _stop.Dispose();
    }

    /// <summary>How many of these reply bytes may pass; fewer than asked means cut behind them.</summary>
    internal int TakeReplyBytes(int bytes)
    {
        var left = Interlocked.Read(ref _replyBytesLeft);
        if (left == long.MaxValue)
        {
            return bytes;
        }

        var granted = (int)Math.Min(bytes, left);
        if (granted < bytes)
        {
            Interlocked.Exchange(ref _replyBytesLeft, long.MaxValue);
        }
        else
        {
            Interlocked.Add(ref _replyBytesLeft, -granted);
        }

        return granted;
    }

    private static TaskCompletionSource Flowing()
    {
        var flow = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        flow.SetResult();
        return flow;
    }

    private void Listen()
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, Port));
        listener.Listen();
        Port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        _listener = listener;
        _accepting = AcceptAsync(listener);
    }

    private async Task AcceptAsync(Socket listener)
    {
        try
        {
            while (true)
            {
                var client = await listener.AcceptAsync(_stop.Token);
                var connection = new ProxiedConnection(this, client);
                _open[connection] = RunAsync(connection);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // Told to stop.
        }
    }

    private async Task RunAsync(ProxiedConnection connection)
    {
        await Task.Yield();
        await connection.RunAsync(_target, _stop.Token);
        _open.TryRemove(connection, out _);
    }
}

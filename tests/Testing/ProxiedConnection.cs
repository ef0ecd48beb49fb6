using System.Net;
using System.Net.Sockets;

namespace Gristmill.Testing;

/// <summary>One client of a <see cref="TcpProxy"/> and its way to the server.</summary>
internal sealed class ProxiedConnection(TcpProxy proxy, Socket client)
{
    private readonly Socket _server = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    public async Task RunAsync(IPEndPoint target, CancellationToken stop)
    {
        try
        {
            client.NoDelay = true;
            await _server.ConnectAsync(target, stop);
            await await Task.WhenAny(PumpAsync(client, _server, replies: false, stop), PumpAsync(_server, client, replies: true, stop));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // One side is gone; so the other goes too.
        }
        finally
        {
            client.Dispose();
            _server.Dispose();
        }
    }

    /// <summary>Closes with RST: no orderly end, and what was on its way is lost.</summary>
    public void Reset()
    {
        foreach (var socket in (Socket[])[client, _server])
        {
            try
            {
                socket.LingerState = new LingerOption(true, 0);
                socket.Close(0);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Closed already.
            }
        }
    }

    private async Task PumpAsync(Socket from, Socket to, bool replies, CancellationToken stop)
    {
        var buffer = new byte[64 << 10];
        while (await from.ReceiveAsync(buffer, stop) is > 0 and var count)
        {
            if (proxy.Delay > TimeSpan.Zero)
            {
                await Task.Delay(proxy.Delay, stop);
            }

            await proxy.Flow.WaitAsync(stop);
            if (replies) await proxy.Replies.WaitAsync(stop);
            var granted = replies ? proxy.TakeReplyBytes(count) : count;
            await SendAsync(to, buffer.AsMemory(0, granted), replies && proxy.SplitReplies ? 1 : count, stop);
            if (granted < count)
            {
                // What was granted has left the socket before the RST, which would discard it.
                to.Shutdown(SocketShutdown.Send);
                Reset();
                return;
            }
        }
    }

    private static async Task SendAsync(Socket to, ReadOnlyMemory<byte> bytes, int piece, CancellationToken stop)
    {
        while (!bytes.IsEmpty)
        {
            var sent = await to.SendAsync(bytes[..Math.Min(piece, bytes.Length)], stop);
            bytes = bytes[sent..];
        }
    }
}

using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Gristmill.Silo.Tests.Http;

/// <summary>An answer as it came.</summary>
internal sealed record RawAnswer(int Status, string? MediaType, string Body);

/// <summary>Sends requests byte by byte, one a connection, since a usual client would put them right first.</summary>
internal static class RawHttp
{
    /// <summary>Sends a request and reads the answer; of a stream of events only its head.</summary>
    public static async Task<RawAnswer> SendAsync(int port, string method, string target, IEnumerable<(string Name, string Value)> headers, byte[] body, CancellationToken cancellationToken)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
        await using var stream = client.GetStream();
        var head = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{method} {target} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {body.Length}\r\n");
        foreach (var (name, value) in headers) head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        byte[] request = [.. Encoding.UTF8.GetBytes(head.Append("\r\n").ToString()), .. body];
        await stream.WriteAsync(request, cancellationToken);
        return await ReadAsync(stream, cancellationToken);
    }

    private static async Task<RawAnswer> ReadAsync(NetworkStream stream, CancellationToken cancellationToken)
    {
        var received = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (true)
        {
            int count;
            try
            {
                count = await stream.ReadAsync(buffer, cancellationToken);
            }
            catch (IOException) when (received.Length > 0)
            {
                // The server has answered before it read all, and closed.
                count = 0;
            }

            received.Write(buffer, 0, count);
            var text = Encoding.UTF8.GetString(received.GetBuffer(), 0, (int)received.Length);
            var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (count > 0 && (end < 0 || !text[..end].Contains("text/event-stream", StringComparison.Ordinal))) continue;
            if (end < 0) throw new IOException($"The server closed without an answer; received: {text}");
            var lines = text[..end].Split("\r\n");
            var type = lines.FirstOrDefault(l => l.StartsWith("Content-Type:", StringComparison.OrdinalIgnoreCase));
            return new RawAnswer(
                int.Parse(lines[0].Split(' ')[1], CultureInfo.InvariantCulture), type?["Content-Type:".Length..].Split(';')[0].Trim(), text[(end + 4)..]);
        }
    }
}

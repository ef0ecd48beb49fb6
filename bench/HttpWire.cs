using System.Buffers.Text;
using System.Net.Sockets;
using System.Text;

namespace Gristmill.Bench;

/// <summary>
/// A kept connection to an HTTP server that sends requests which are written already and passes over what comes: the caller
/// shares the cores with what is measured, and HttpClient takes more of them than that.
/// </summary>
internal sealed class HttpWire : IDisposable
{
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private byte[] _buffer = new byte[16 * 1024];
    private int _start;
    private int _end;

    public static async Task<HttpWire> ConnectAsync(Uri server)
    {
        var wire = new HttpWire();
        await wire._socket.ConnectAsync(server.Host, server.Port);
        return wire;
    }

    /// <summary>A request as it goes over the wire.</summary>
    public static byte[] Request(Uri server, string method, string path, byte[]? json = null)
    {
        var head = $"{method} {path} HTTP/1.1\r\nHost: {server.Authority}\r\n{(json is null ? "" : $"Content-Type: application/json\r\nContent-Length: {json.Length}\r\n")}\r\n";
        return [.. Encoding.ASCII.GetBytes(head), .. json ?? []];
    }

    /// <summary>Sends one, and waits for the whole answer.</summary>
    /// <returns>Its status.</returns>
    /// <exception cref="SocketException">The connection is lost.</exception>
    /// <exception cref="InvalidDataException">The answer is no HTTP, or ends in the midst.</exception>
    public async Task<int> SendAsync(ReadOnlyMemory<byte> request)
    {
        await _socket.SendAsync(request);
        int length;
        while ((length = Rest.Span.IndexOf("\r\n\r\n"u8)) < 0) await MoreAsync();
        var (status, body) = Head(Rest.Span[..length]);
        _start += length + 4;
        if (body >= 0) await SkipAsync(body);
        else while (await ChunkAsync() > 0) { }
        return status;
    }

    public void Dispose() => _socket.Dispose();

    private ReadOnlyMemory<byte> Rest => _buffer.AsMemory(_start, _end - _start);

    // The status, and the length of the body; -1 for chunks.
    private static (int Status, int Body) Head(ReadOnlySpan<byte> head)
    {
        if (!head.StartsWith("HTTP/1.1 "u8) || !Utf8Parser.TryParse(head[9..], out int status, out _)) throw new InvalidDataException("No HTTP.");
        var body = status == 204 ? 0 : -1;
        foreach (var line in head.Split("\r\n"u8))
        {
            if (Ascii.EqualsIgnoreCase(head[line][..Math.Min(15, head[line].Length)], "content-length:"u8)) Utf8Parser.TryParse(head[line][15..].TrimStart((byte)' '), out body, out _);
        }

        return (status, body);
    }

    private async Task<int> ChunkAsync()
    {
        int line;
        while ((line = Rest.Span.IndexOf("\r\n"u8)) < 0) await MoreAsync();
        if (!Utf8Parser.TryParse(Rest.Span[..line], out int size, out _, 'x')) throw new InvalidDataException("No chunk.");
        _start += line + 2;
        await SkipAsync(size + 2);
        return size;
    }

    private async Task SkipAsync(int bytes)
    {
        while (Rest.Length < bytes) await MoreAsync();
        _start += bytes;
    }

    private async Task MoreAsync()
    {
        if (_start == _end) (_start, _end) = (0, 0);
        if (_end == _buffer.Length && _start > 0)
        {
            Rest.CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }

        if (_end == _buffer.Length) Array.Resize(ref _buffer, 2 * _buffer.Length);
        var got = await _socket.ReceiveAsync(_buffer.AsMemory(_end));
        if (got == 0) throw new InvalidDataException("The answer ends in the midst.");
        _end += got;
    }
}

/// <summary>Connections of which each sends one request at a time. One that finds none free waits.</summary>
internal sealed class HttpWires : IDisposable
{
    private readonly Stack<HttpWire> _free = [];
    private readonly List<HttpWire> _all = [];
    private readonly SemaphoreSlim _room = new(0);

    public static async Task<HttpWires> ConnectAsync(Uri server, int count)
    {
        var wires = new HttpWires();
        for (var n = 0; n < count; n++)
        {
            var wire = await HttpWire.ConnectAsync(server);
            wires._all.Add(wire);
            wires._free.Push(wire);
        }

        wires._room.Release(count);
        return wires;
    }

    /// <inheritdoc cref="HttpWire.SendAsync"/>
    public async Task<int> SendAsync(ReadOnlyMemory<byte> request)
    {
        await _room.WaitAsync();
        HttpWire wire;
        lock (_free) wire = _free.Pop();
        try
        {
            return await wire.SendAsync(request);
        }
        finally
        {
            lock (_free) _free.Push(wire);
            _room.Release();
        }
    }

    public void Dispose()
    {
        foreach (var wire in _all) wire.Dispose();
        _room.Dispose();
    }
}

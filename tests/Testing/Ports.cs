using System.Net;
using System.Net.Sockets;

namespace Gristmill.Testing;

/// <summary>
/// Loopback ports for servers, each given out once among all test processes of the machine: a lock on a file per port is
/// held until this process ends. They lie below the range that the kernel gives to outgoing connections.
/// </summary>
public static class Ports
{
    private const int First = 20_000;
    private const int Count = 12_000;
    private static readonly Lock Gate = new();
    private static readonly List<FileStream> Held = [];
    private static int _next = Environment.ProcessId * 97;

    /// <summary>A port that nobody listens on and nobody else is given.</summary>
    public static int Next()
    {
        lock (Gate)
        {
            for (var tries = 0; tries < Count; tries++)
            {
                var port = First + ((_next++ & int.MaxValue) % Count);
                if (TryHold(port) && IsFree(port))
                {
                    return port;
                }
            }
        }

        throw new InvalidOperationException("No port is free.");
    }

    private static bool TryHold(int port)
    {
        try
        {
            var folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), "gristmill-ports")).FullName;
            Held.Add(new FileStream(Path.Combine(folder, $"{port}"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            probe.Bind(new IPEndPoint(IPAddress.Loopback, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}

using System.Net;
using System.Net.Sockets;

namespace Gristmill.Silo.EmbeddedStore;

/// <summary>Ports of 127.0.0.1. Free is what could be bound a moment ago; who binds later must still be ready to fail.</summary>
internal static class LoopbackPort
{
    /// <summary>The preferred port if it is free, otherwise one that the system chooses.</summary>
    public static int Free(int preferred) => preferred != 0 && IsFree(preferred) ? preferred : TryBind(0);

    public static bool IsFree(int port) => TryBind(port) != 0;

    private static int TryBind(int port)
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            probe.Bind(new IPEndPoint(IPAddress.Loopback, port));
            probe.Listen();
            return ((IPEndPoint)probe.LocalEndPoint!).Port;
        }
        catch (SocketException)
        {
            return 0;
        }
    }
}

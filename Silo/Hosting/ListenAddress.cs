using System.Net;
using System.Net.Sockets;

namespace Gristmill.Silo.Hosting;

/// <summary>
/// Looks whether the address of the HTTP API is free before the silo joins anything: the host binds it last, when the silo
/// is a member already and holds jobs. Somebody can take it still in between; then the silo leaves in order.
/// </summary>
internal static class ListenAddress
{
    /// <summary>Fails when the silo could not listen there.</summary>
    /// <param name="url">The address.</param>
    /// <exception cref="IOException">It is taken, or not one of this machine's.</exception>
    public static void Check(string url)
    {
        var address = BindingAddress.Parse(url);

        // Port 0 is any that is free.
        if (address.Port == 0) return;
        try
        {
            using var socket = Bind(address);
        }
        catch (SocketException error)
        {
            throw new IOException($"The HTTP API cannot listen at {url}: {error.Message}.", error);
        }
    }

    // As the server takes it: a name that is no address stands for all of this machine's.
    private static Socket Bind(BindingAddress address)
    {
        var host = address.Host.Trim('[', ']');
        var ip = host.Equals("localhost", StringComparison.OrdinalIgnoreCase) ? IPAddress.Loopback
            : IPAddress.TryParse(host, out var given) ? given
            : Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any;
        var socket = new Socket(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (ip.Equals(IPAddress.IPv6Any)) socket.DualMode = true;
            socket.Bind(new IPEndPoint(ip, address.Port));
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

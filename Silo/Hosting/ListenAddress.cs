using System.Net;
using System.Net.Sockets;
using Gristmill.Grains.Options;

namespace Gristmill.Silo.Hosting;

/// <summary>
/// Where the HTTP API listens: at Gristmill:Url, or, where there are any, at the endpoints of Kestrel's own configuration.
/// Looks whether the addresses are free before the silo joins anything: the host binds them last, when the silo is a member
/// already and holds jobs. Somebody can take one still in between; then the silo leaves in order.
/// </summary>
internal static class ListenAddress
{
    private const string Endpoints = "Kestrel:Endpoints";

    /// <summary>The addresses, each with the option that says it.</summary>
    public static IReadOnlyList<(string Option, string Url)> Of(GristmillOptions options, IConfiguration configuration)
    {
        var endpoints = configuration.GetSection(Endpoints).GetChildren().Where(e => e["Url"] is not null).Select(e => ($"{e.Path}:Url", e["Url"]!)).ToList();
        return endpoints.Count > 0 ? endpoints : [($"{GristmillOptions.Section}:{nameof(GristmillOptions.Url)}", options.Url)];
    }

    /// <summary>Whether Kestrel's own configuration says where to listen.</summary>
    public static bool IsKestrels(IConfiguration configuration) => configuration.GetSection(Endpoints).GetChildren().Any(e => e["Url"] is not null);

    /// <summary>Whether only this machine reaches the address. A name that is no address stands for all of the machine's.</summary>
    public static bool IsLoopback(string url)
    {
        try
        {
            var address = BindingAddress.Parse(url);
            return address.IsUnixPipe || address.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase) ||
                (IPAddress.TryParse(address.Host, out var ip) && IPAddress.IsLoopback(ip));
        }
        catch (FormatException)
        {
            return false;
        }
    }

    /// <summary>Fails when the silo could not listen there.</summary>
    /// <param name="url">The address.</param>
    /// <exception cref="IOException">It is taken, or not one of this machine's.</exception>
    public static void Check(string url)
    {
        var address = BindingAddress.Parse(url);

        // Port 0 is any that is free.
        if (address.IsUnixPipe || address.Port == 0) return;
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
        var host = address.Host;
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

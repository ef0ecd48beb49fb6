using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Gristmill.Grains.Options;
using Gristmill.Redis;
using Gristmill.Silo.Configuration;
using Orleans.Configuration;

namespace Gristmill.Silo.Hosting;

/// <summary>Where a silo listens for other silos, and what it tells them: options, Kubernetes' environment, or what fits.</summary>
internal static class OrleansEngineEndpoints
{
    private const string PodAddress = "POD_IP";

    // Free ports are looked for here: Orleans' own first, all below those that the kernel gives to outgoing connections.
    private const int FirstPort = EndpointOptions.DEFAULT_SILO_PORT;
    private const int Ports = 8_000;

    // Neighbouring processes begin their search apart.
    private const int Stride = 37;

    /// <summary>Checks ports, address and times.</summary>
    public static void Check(OrleansEngineOptions options, IConfiguration configuration, OptionProblems found)
    {
        found.Range(nameof(options.SiloPort), options.SiloPort, 0, ushort.MaxValue);
        found.Range(nameof(options.GatewayPort), options.GatewayPort, 0, ushort.MaxValue);
        found.Range(nameof(options.ProbeSeconds), options.ProbeSeconds, 0.1, 60);
        if (options.SiloPort != 0 && options.SiloPort == options.GatewayPort)
        {
            found.AddMessage(nameof(options.GatewayPort), string.Create(CultureInfo.InvariantCulture, $"is {options.GatewayPort}, which is SiloPort too; they must differ."));
        }

        if (options.AdvertisedAddress is { } given)
        {
            if (!IsAddress(given)) found.Add(nameof(options.AdvertisedAddress), given, "an IP address at which other silos reach this one");
        }
        else if (configuration[PodAddress] is { Length: > 0 } pod && !IsAddress(pod))
        {
            found.AddMessage(nameof(options.AdvertisedAddress), $"is not set, and {PodAddress} is '{pod}'; it must be an IP address.");
        }
    }

    /// <summary>Puts the endpoint of a silo into Orleans' options.</summary>
    public static void Apply(GristmillOptions silo, IConfiguration configuration, EndpointOptions endpoint)
    {
        var options = silo.Orleans;
        var address = IPAddress.Parse(options.AdvertisedAddress ?? (configuration[PodAddress] is { Length: > 0 } pod ? pod : TowardsRedis(silo)));
        var listen = options.ListenOnAnyAddress ? address.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any : address;
        endpoint.AdvertisedIPAddress = address;
        endpoint.SiloPort = options.SiloPort != 0 ? options.SiloPort : FreePort(listen);
        endpoint.GatewayPort = options.GatewayPort;
        endpoint.SiloListeningEndpoint = new IPEndPoint(listen, endpoint.SiloPort);
        endpoint.GatewayListeningEndpoint = options.GatewayPort == 0 ? null : new IPEndPoint(listen, options.GatewayPort);
    }

    /// <summary>The ports of a silo of a local cluster, by its number: those of the first, counted up.</summary>
    public static IEnumerable<KeyValuePair<string, string>> PortsOf(OrleansEngineOptions options, int number)
    {
        foreach (var (name, port) in new[] { (nameof(options.SiloPort), options.SiloPort), (nameof(options.GatewayPort), options.GatewayPort) })
        {
            if (port != 0) yield return new($"{GristmillOptions.Section}__{nameof(GristmillOptions.Orleans)}__{name}", (port + number - 1).ToString(CultureInfo.InvariantCulture));
        }
    }

    private static bool IsAddress(string text) => IPAddress.TryParse(text, out var address)
        && !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any) && !address.Equals(IPAddress.None);

    // Who shares the Redis most likely shares the network on which it is. Nothing is sent: a datagram socket only picks a route.
    private static string TowardsRedis(GristmillOptions silo)
    {
        var redis = RedisOptions.Parse(silo.Redis!);
        try
        {
            var target = Dns.GetHostAddresses(redis.Host)[0];
            using var route = new Socket(target.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            route.Connect(target, redis.Port);
            return ((IPEndPoint)route.LocalEndPoint!).Address.ToString();
        }
        catch (SocketException error)
        {
            throw new IOException($"No address of this machine leads to {redis} ({error.Message}); set Gristmill:Orleans:AdvertisedAddress.", error);
        }
    }

    private static int FreePort(IPAddress address)
    {
        for (var tries = 0; tries < Ports; tries++)
        {
            var port = FirstPort + (((Environment.ProcessId * Stride) + tries) % Ports);
            if (IsFree(address, port)) return port;
        }

        throw new IOException($"No port from {FirstPort} to {FirstPort + Ports - 1} is free on {address}; set Gristmill:Orleans:SiloPort.");
    }

    private static bool IsFree(IPAddress address, int port)
    {
        using var probe = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            probe.Bind(new IPEndPoint(address, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}

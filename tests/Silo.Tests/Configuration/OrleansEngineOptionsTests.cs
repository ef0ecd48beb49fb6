using System.Net;
using Gristmill.Grains.Options;
using Gristmill.Silo.Configuration;
using Gristmill.Silo.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace Gristmill.Silo.Tests.Configuration;

/// <summary>Where a silo on Orleans listens, and what it tells the others.</summary>
public sealed class OrleansEngineOptionsTests
{
    private const string Orleans = "Gristmill:Orleans";

    [Theory]
    [InlineData("SiloPort", "70000", "Gristmill:Orleans:SiloPort is 70000; it must be from 0 to 65535.")]
    [InlineData("GatewayPort", "-1", "Gristmill:Orleans:GatewayPort is -1; it must be from 0 to 65535.")]
    [InlineData("ProbeSeconds", "0", "Gristmill:Orleans:ProbeSeconds is 0; it must be from 0.1 to 60.")]
    [InlineData("AdvertisedAddress", "silo.example", "Gristmill:Orleans:AdvertisedAddress is 'silo.example'; it must be an IP address at which other silos reach this one.")]
    [InlineData("AdvertisedAddress", "0.0.0.0", "Gristmill:Orleans:AdvertisedAddress is '0.0.0.0'; it must be an IP address at which other silos reach this one.")]
    public void Option_out_of_bounds_is_named_with_its_value_and_bound(string option, string value, string message)
    {
        var error = Assert.Throws<OptionsValidationException>(() => Load(new() { [$"{Orleans}:{option}"] = value }));
        Assert.Equal(message, Assert.Single(error.Failures));
    }

    [Fact]
    public void Ports_must_differ() => Assert.Equal(
        "Gristmill:Orleans:GatewayPort is 5000, which is SiloPort too; they must differ.",
        Assert.Single(Assert.Throws<OptionsValidationException>(() => Load(new() { [$"{Orleans}:SiloPort"] = "5000", [$"{Orleans}:GatewayPort"] = "5000" })).Failures));

    [Fact]
    public void Address_of_Kubernetes_that_is_none_is_named() => Assert.Equal(
        "Gristmill:Orleans:AdvertisedAddress is not set, and POD_IP is 'pod'; it must be an IP address.",
        Assert.Single(Assert.Throws<OptionsValidationException>(() => Load(new() { ["POD_IP"] = "pod" })).Failures));

    [Theory]
    [InlineData(null, null, "127.0.0.1")]
    [InlineData(null, "10.1.2.3", "10.1.2.3")]
    [InlineData("10.9.9.9", "10.1.2.3", "10.9.9.9")]
    public void Advertised_address_is_the_option_or_the_pods_or_the_one_towards_Redis(string? option, string? pod, string expected)
    {
        var endpoint = EndpointOf(new() { [$"{Orleans}:AdvertisedAddress"] = option, ["POD_IP"] = pod, [$"{Orleans}:SiloPort"] = "5000" });
        Assert.Equal((IPAddress.Parse(expected), 5000, 0), (endpoint.AdvertisedIPAddress, endpoint.SiloPort, endpoint.GatewayPort));
        Assert.Equal(new IPEndPoint(IPAddress.Parse(expected), 5000), endpoint.SiloListeningEndpoint);
        Assert.Null(endpoint.GatewayListeningEndpoint);
    }

    [Fact]
    public void Silo_may_listen_on_all_addresses()
    {
        var endpoint = EndpointOf(new() { [$"{Orleans}:ListenOnAnyAddress"] = "true", [$"{Orleans}:SiloPort"] = "5000", [$"{Orleans}:GatewayPort"] = "5001" });
        Assert.Equal(new IPEndPoint(IPAddress.Any, 5000), endpoint.SiloListeningEndpoint);
        Assert.Equal(new IPEndPoint(IPAddress.Any, 5001), endpoint.GatewayListeningEndpoint);
        Assert.Equal(IPAddress.Loopback, endpoint.AdvertisedIPAddress);
    }

    [Fact]
    public void Port_that_is_not_set_is_a_free_one() => Assert.InRange(EndpointOf([]).SiloPort, 11_111, 19_110);

    [Fact]
    public void Ports_of_a_local_cluster_are_counted_up()
    {
        var ports = OrleansEngineEndpoints.PortsOf(new OrleansEngineOptions { SiloPort = 5000, GatewayPort = 6000 }, 3);
        Assert.Equal([new("Gristmill__Orleans__SiloPort", "5002"), new("Gristmill__Orleans__GatewayPort", "6002")], ports);
        Assert.Empty(OrleansEngineEndpoints.PortsOf(new OrleansEngineOptions(), 3));
    }

    private static EndpointOptions EndpointOf(Dictionary<string, string?> values)
    {
        values["REDIS_URL"] = "redis://127.0.0.1:6379/0";
        var endpoint = new EndpointOptions();
        OrleansEngineEndpoints.Apply(Load(values), Configuration(values), endpoint);
        return endpoint;
    }

    private static GristmillOptions Load(Dictionary<string, string?> values) => GristmillConfiguration.Load(Configuration(values), new GristmillFlags());

    private static IConfiguration Configuration(Dictionary<string, string?> values) => new ConfigurationBuilder().AddInMemoryCollection(values).Build();
}

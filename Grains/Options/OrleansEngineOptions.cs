namespace Gristmill.Grains.Options;

public sealed partial class GristmillOptions
{
    /// <summary>How silos find and call each other. Only with the engine Orleans.</summary>
    public OrleansEngineOptions Orleans { get; set; } = new();
}

/// <summary>The engine Orleans, whose silos call each other over TCP. In configuration: <c>Gristmill:Orleans:…</c>.</summary>
public sealed class OrleansEngineOptions
{
    /// <summary>
    /// The address at which other silos reach this one. Default: POD_IP from the environment, and without it the address
    /// from which this machine speaks to Redis.
    /// </summary>
    public string? AdvertisedAddress { get; set; }

    /// <summary>The port for other silos, 0 to 65,535; 0 for a free one. Default 0.</summary>
    public int SiloPort { get; set; }

    /// <summary>
    /// The port for clients of Orleans, 0 to 65,535; 0 for none, since nothing of Gristmill needs one. Default 0.
    /// </summary>
    public int GatewayPort { get; set; }

    /// <summary>Whether to listen on all addresses of the machine and not on the advertised one alone. Default false.</summary>
    public bool ListenOnAnyAddress { get; set; }

    /// <summary>
    /// How often silos ask each other whether they live, and how long they wait for the answer, 0.1 to 60; three in a row
    /// without one, and a silo is declared dead. Default 1.
    /// </summary>
    public double ProbeSeconds { get; set; } = 1;
}

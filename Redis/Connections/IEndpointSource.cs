namespace Gristmill.Redis;

/// <summary>Where a connection goes.</summary>
internal readonly record struct RedisEndpoint(string Host, int Port)
{
    public override string ToString() => RedisUrl.Endpoint(Host, Port);
}

/// <summary>
/// Asked for the endpoint before every attempt to connect, so that a master that moves is found by asking again: the place
/// for Sentinel, or for the owner of a Cluster's slot.
/// </summary>
internal interface IEndpointSource
{
    ValueTask<RedisEndpoint> FindAsync(CancellationToken cancellationToken);
}

/// <summary>The one endpoint of the options.</summary>
internal sealed class FixedEndpoint(RedisEndpoint endpoint) : IEndpointSource
{
    public ValueTask<RedisEndpoint> FindAsync(CancellationToken cancellationToken) => new(endpoint);
}

namespace Gristmill.Redis;

/// <summary>What a server said of itself when the connection was made.</summary>
/// <param name="Name">"redis", "valkey", "garnet", or what else the server calls itself.</param>
/// <param name="Version">Its own version, such as 7.0.15; empty where it may not be asked.</param>
/// <param name="Protocol">2 or 3: the version of RESP that the connection speaks.</param>
public sealed record RedisServerInfo(string Name, string Version, int Protocol)
{
    /// <summary>Whether it is Microsoft Garnet.</summary>
    public bool IsGarnet => Name == "garnet";

    /// <summary>Name and version: "redis 7.0.15".</summary>
    public override string ToString() => Version.Length == 0 ? Name : $"{Name} {Version}";
}

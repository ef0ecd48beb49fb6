using System.Security.Cryptography;
using System.Text;

namespace Gristmill.Redis;

/// <summary>A Lua script: its name for people, its body, and the hash by which the server knows it.</summary>
public sealed class RedisScript
{
    /// <summary>Makes a script.</summary>
    /// <param name="name">For logs and spans, such as the file's name.</param>
    /// <param name="body">The Lua source.</param>
    public RedisScript(string name, string body)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentException.ThrowIfNullOrEmpty(body);
        Name = name;
        Body = body;
        BodyBytes = Encoding.UTF8.GetBytes(body);
#pragma warning disable CA5350 // The name that Redis gives to a script is its SHA-1; nothing is secured by it.
        Sha1 = Convert.ToHexStringLower(SHA1.HashData(BodyBytes));
#pragma warning restore CA5350
        Sha1Bytes = Encoding.ASCII.GetBytes(Sha1);
    }

    /// <summary>The name for people.</summary>
    public string Name { get; }

    /// <summary>The Lua source.</summary>
    public string Body { get; }

    /// <summary>SHA-1 of the body in lower-case hex, as EVALSHA wants it.</summary>
    public string Sha1 { get; }

    internal byte[] BodyBytes { get; }

    internal byte[] Sha1Bytes { get; }

    /// <summary>Begins a call: add the keys, then the arguments, then hand it to <see cref="IRedisClient.EvaluateAsync"/>.</summary>
    public RedisScriptCall Call() => new(this);

    /// <inheritdoc/>
    public override string ToString() => Name;
}

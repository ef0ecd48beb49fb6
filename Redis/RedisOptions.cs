namespace Gristmill.Redis;

/// <summary>Which version of the protocol to speak.</summary>
public enum RedisProtocol
{
    /// <summary>RESP3, and RESP2 where the server does not know HELLO.</summary>
    Auto,

    /// <summary>RESP2 only.</summary>
    Resp2,

    /// <summary>RESP3 only; a server without it is an error.</summary>
    Resp3,
}

/// <summary>
/// How to reach Redis and what to bound. <see cref="Url"/>, when set, stands for host, port, user, password, database and
/// TLS together. The client takes a copy when it connects.
/// </summary>
public sealed class RedisOptions
{
    /// <summary>The port where none is given.</summary>
    public const int DefaultPort = 6379;

    /// <summary><c>redis://user:password@host:6379/0</c>, or <c>rediss://</c> for TLS; null to use the single options.</summary>
    public string? Url { get; set; }

    /// <summary>Name or address of the server. Default 127.0.0.1.</summary>
    public string Host { get; set; } = "127.0.0.1";

    /// <summary>1 to 65,535. Default 6379.</summary>
    public int Port { get; set; } = DefaultPort;

    /// <summary>The ACL user; null for the default user.</summary>
    public string? User { get; set; }

    /// <summary>The password; null for none. Never written to a log, a message or <see cref="ToString"/>.</summary>
    public string? Password { get; set; }

    /// <summary>The number of the database, from 0. Default 0.</summary>
    public int Database { get; set; }

    /// <summary>Whether to speak TLS. The server's certificate is always checked: its chain and its name.</summary>
    public bool Tls { get; set; }

    /// <summary>A PEM file of certificates to trust instead of the system's; null for the system's.</summary>
    public string? TlsCaFile { get; set; }

    /// <summary>The name that the server's certificate must carry, where that is not <see cref="Host"/>; also sent as SNI.</summary>
    public string? TlsServerName { get; set; }

    /// <summary>A PEM file with the client's own certificate, for servers that ask for one; null for none.</summary>
    public string? TlsCertificateFile { get; set; }

    /// <summary>A PEM file with the key of <see cref="TlsCertificateFile"/>; null when it is in the same file.</summary>
    public string? TlsKeyFile { get; set; }

    /// <summary>The name that CLIENT LIST shows. Default "gristmill". No blanks.</summary>
    public string ClientName { get; set; } = "gristmill";

    /// <summary>Time limit to connect, including TLS and the handshake. 10 ms to 10 min, default 5 s.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Time limit of a command, from when it is issued to its reply. 10 ms to 10 min, default 5 s.</summary>
    public TimeSpan CommandTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How often an idle pub/sub connection is asked whether it is alive. 10 ms to 10 min, default 10 s.</summary>
    public TimeSpan KeepAlive { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Commands that may wait for a connection or a reply at once. 1 to 10,000,000, default 65,536.</summary>
    public int MaxInFlight { get; set; } = 65_536;

    /// <summary>Bytes of the commands that wait for a connection or a reply. 1 KiB to 16 GiB, default 128 MiB.</summary>
    public long MaxBacklogBytes { get; set; } = 128L << 20;

    /// <summary>Connections for blocking commands that may be open at once. 1 to 100,000, default 1,024.</summary>
    public int MaxDedicated { get; set; } = 1_024;

    /// <summary>Bytes of one string in a reply. 1 to 1 GiB, default 512 MiB, which is Redis's own bound.</summary>
    public int MaxBulkBytes { get; set; } = 512 << 20;

    /// <summary>Bytes of all strings of one reply together. 1 to 64 GiB, default 1 GiB.</summary>
    public long MaxReplyBytes { get; set; } = 1L << 30;

    /// <summary>How deep arrays of a reply may be nested. 1 to 1,024, default 32.</summary>
    public int MaxReplyDepth { get; set; } = 32;

    /// <summary>Items of one reply, over all its levels. 1 to 268,435,456, default 4,194,304.</summary>
    public int MaxReplyElements { get; set; } = 4 << 20;

    /// <summary>Messages that one subscription keeps for a slow reader before it drops the oldest. 1 to 1,000,000, default 1,024.</summary>
    public int SubscriptionBuffer { get; set; } = 1_024;

    /// <summary>Wait before the first attempt to connect again. 1 ms to <see cref="BackoffMax"/>, default 50 ms.</summary>
    public TimeSpan BackoffMin { get; set; } = TimeSpan.FromMilliseconds(50);

    /// <summary>The longest wait between two attempts to connect. Up to 10 min, default 5 s.</summary>
    public TimeSpan BackoffMax { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The protocol to speak. Default <see cref="RedisProtocol.Auto"/>.</summary>
    public RedisProtocol Protocol { get; set; }

    /// <summary>Options from a URL, with everything else at its default.</summary>
    /// <param name="url">As <see cref="Url"/>.</param>
    /// <exception cref="FormatException">The URL is malformed; the message does not contain it.</exception>
    public static RedisOptions Parse(string url)
    {
        ArgumentNullException.ThrowIfNull(url);
        return new RedisOptions { Url = url }.Effective();
    }

    /// <summary>Checks every option.</summary>
    /// <returns>One message for each option that is wrong, naming it, its value and the bound; empty when all is well.</returns>
    public IReadOnlyList<string> Validate() => RedisOptionsRules.Check(this);

    /// <summary>The endpoint without secrets.</summary>
    public override string ToString()
    {
        try
        {
            return RedisUrl.Describe(Effective());
        }
        catch (FormatException)
        {
            return RedisUrl.Redact(Url!);
        }
    }

    /// <summary>A copy in which the parts of <see cref="Url"/> stand in the single options.</summary>
    internal RedisOptions Effective()
    {
        var copy = (RedisOptions)MemberwiseClone();
        copy.Url = null;
        if (Url is not null)
        {
            RedisUrl.Apply(Url, copy);
        }

        return copy;
    }
}

namespace Gristmill.Grains.Options;

/// <summary>
/// Who may call the HTTP API. Without keys and without an authority everybody may who reaches it, and it listens on loopback
/// alone.
/// </summary>
public sealed class AccessOptions
{
    /// <summary>The keys; at most 1,000. With any, each call needs one, on loopback too.</summary>
    public List<AccessKeyOptions> Keys { get; set; } = [];

    /// <summary>The authority whose tokens are accepted too. Default none.</summary>
    public OidcOptions? Oidc { get; set; }

    /// <summary>Whether the API may be open on an address that others reach. Default false: the silo does not start.</summary>
    public bool Insecure { get; set; }

    /// <summary>Whether /metrics needs no key. Default false: the role Read.</summary>
    public bool OpenMetrics { get; set; }

    /// <summary>Origins whose pages may call the API from browsers, such as https://ops.example.com; at most 64. Default none.</summary>
    public List<string> Origins { get; set; } = [];

    /// <summary>
    /// Names by which an open API on loopback is called, beside localhost and addresses; at most 64. Default none: a page
    /// elsewhere could give its own name the address of this machine.
    /// </summary>
    public List<string> Hosts { get; set; } = [];

    /// <summary>Calls a second of one key, on average, 1 to 1,000,000; 0 for no limit. Default 1,000.</summary>
    public int RequestsPerSecond { get; set; } = 1000;

    /// <summary>Calls of one key at once, before the average counts, 1 to 1,000,000. Default 2,000.</summary>
    public int Burst { get; set; } = 2000;

    /// <summary>Event streams of one key at once, 1 to 1,000,000; 0 for no limit. Default 1,000.</summary>
    public int Streams { get; set; } = 1000;
}

/// <summary>A key, of which only the hash is known here. <c>gristmill keys new</c> makes one.</summary>
public sealed class AccessKeyOptions
{
    /// <summary>Whose it is, for people and for the audit log: 1 to 64 letters, digits, '.', '_', ':' and '-', each once.</summary>
    public string Name { get; set; } = string.Empty;

    /// <summary>What it may do. Default Read.</summary>
    public AccessRole Role { get; set; } = AccessRole.Read;

    /// <summary>The SHA-256 of the key's text, 64 hexadecimal digits.</summary>
    public string Hash { get; set; } = string.Empty;
}

/// <summary>What a caller may do; each role may what those before it may.</summary>
public enum AccessRole
{
    /// <summary>Look at everything.</summary>
    Read,

    /// <summary>Enqueue, cancel, retry and requeue; pause, resume and drain queues; end and cancel sessions.</summary>
    Operate,

    /// <summary>What cannot be taken back: forget dead letters, drain silos.</summary>
    Admin,
}

/// <summary>An authority of OpenID Connect whose JSON web tokens are accepted as bearer tokens.</summary>
public sealed class OidcOptions
{
    /// <summary>Its address, below which /.well-known/openid-configuration is; https, or http on loopback.</summary>
    public string Authority { get; set; } = string.Empty;

    /// <summary>The audience that tokens must name.</summary>
    public string Audience { get; set; } = string.Empty;

    /// <summary>The claim with the roles: an array, or words between blanks as in "scope". Default roles.</summary>
    public string RoleClaim { get; set; } = "roles";

    /// <summary>What stands before read, operate and admin in the claim. Default "gristmill-".</summary>
    public string RolePrefix { get; set; } = "gristmill-";

    /// <summary>The claim with the caller's name for the audit log. Default sub.</summary>
    public string NameClaim { get; set; } = "sub";
}

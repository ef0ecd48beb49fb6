using System.Buffers;
using Gristmill.Grains.Options;
using Gristmill.Silo.Hosting;

namespace Gristmill.Silo.Configuration;

/// <summary>
/// The bounds of <see cref="AccessOptions"/> and <see cref="ApiOptions"/>, and the rule that an API without keys is for this
/// machine alone. No message repeats a hash: what stands there may be a key by mistake.
/// </summary>
internal static class AccessRules
{
    private const int MostKeys = 1000;
    private const int MostNames = 64;
    private const int HashLength = 64;
    private static readonly SearchValues<char> NameLetters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-");

    public static void Check(GristmillOptions options, IConfiguration configuration, OptionProblems found)
    {
        var access = found.Under("Access");
        Keys(options.Access.Keys, access);
        if (options.Access.Oidc is { } oidc) Oidc(oidc, access.Under("Oidc"));
        Origins(options.Access.Origins, access);
        Hosts(options.Access.Hosts, access);
        access.Range("RequestsPerSecond", options.Access.RequestsPerSecond, 0, 1_000_000);
        access.Range("Burst", options.Access.Burst, 1, 1_000_000);
        access.Range("Streams", options.Access.Streams, 0, 1_000_000);
        var api = found.Under("Api");
        api.Range("MaxBatchJobs", options.Api.MaxBatchJobs, 1, Client.IQueueClient.MaxBatch);
        api.Range("MaxBatchBytes", options.Api.MaxBatchBytes, 1024, 1_073_741_824);
        api.Range("MaxConnections", options.Api.MaxConnections, 10, 1_000_000);
        api.Range("MaxStreams", options.Api.MaxStreams, 1, 1_000_000);
        Reach(options, configuration, found);
    }

    /// <summary>Whether a key can have this name.</summary>
    public static bool IsName(string name) => name.Length is >= 1 and <= 64 && !name.AsSpan().ContainsAnyExcept(NameLetters);

    /// <summary>The form of a name, for messages.</summary>
    public const string NameForm = "1 to 64 letters, digits, '.', '_', ':' and '-'";

    private static void Keys(List<AccessKeyOptions> keys, OptionProblems found)
    {
        if (keys.Count > MostKeys) found.AddMessage("Keys", $"are {keys.Count}; it must be at most {MostKeys}.");
        for (var i = 0; i < keys.Count; i++)
        {
            var (key, under) = (keys[i], found.Under($"Keys:{i}"));
            if (!IsName(key.Name)) under.Add("Name", key.Name, NameForm);
            if (!Enum.IsDefined(key.Role)) under.Add("Role", $"{(int)key.Role}", "Read, Operate or Admin");
            if (key.Hash.Length != HashLength || !key.Hash.All(char.IsAsciiHexDigit))
            {
                under.AddMessage("Hash", $"has {key.Hash.Length} characters (they are not shown, since they may be a key); it must be the {HashLength} hexadecimal digits of a SHA-256, as gristmill keys new prints them.");
            }
        }

        foreach (var twice in keys.GroupBy(k => k.Name, StringComparer.Ordinal).Where(g => g.Count() > 1))
        {
            found.AddMessage("Keys", $"has '{twice.Key}' {twice.Count()} times; each key has a name of its own.");
        }
    }

    private static void Oidc(OidcOptions oidc, OptionProblems found)
    {
        if (!Uri.TryCreate(oidc.Authority, UriKind.Absolute, out var authority) || !(authority.Scheme == Uri.UriSchemeHttps || (authority.Scheme == Uri.UriSchemeHttp && authority.IsLoopback)))
        {
            found.Add("Authority", oidc.Authority, "an https:// URL, or http:// on loopback");
        }

        if (oidc.Audience.Length == 0) found.Add("Audience", oidc.Audience, "the audience that tokens name; without it a token for any other service would do");
        if (oidc.RoleClaim.Length == 0) found.Add("RoleClaim", oidc.RoleClaim, "the name of a claim");
        if (oidc.NameClaim.Length == 0) found.Add("NameClaim", oidc.NameClaim, "the name of a claim");
    }

    private static void Origins(List<string> origins, OptionProblems found)
    {
        if (origins.Count > MostNames) found.AddMessage("Origins", $"are {origins.Count}; it must be at most {MostNames}.");
        for (var i = 0; i < origins.Count; i++)
        {
            if (!Uri.TryCreate(origins[i], UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https") || uri.GetLeftPart(UriPartial.Authority) != origins[i].ToLowerInvariant())
            {
                found.Add($"Origins:{i}", origins[i], "an origin without a path, such as https://ops.example.com");
            }
        }
    }

    private static void Hosts(List<string> hosts, OptionProblems found)
    {
        if (hosts.Count > MostNames) found.AddMessage("Hosts", $"are {hosts.Count}; it must be at most {MostNames}.");
        for (var i = 0; i < hosts.Count; i++)
        {
            if (Uri.CheckHostName(hosts[i]) == UriHostNameType.Unknown) found.Add($"Hosts:{i}", hosts[i], "the name of a host without a port, such as gristmill.example.com");
        }
    }

    // What everybody reaches must ask everybody for a key.
    private static void Reach(GristmillOptions options, IConfiguration configuration, OptionProblems found)
    {
        // An address that is none is told of elsewhere.
        if (options.Access is { Insecure: true } or { Keys.Count: > 0 } or { Oidc: not null } || !Uri.TryCreate(options.Url, UriKind.Absolute, out _)) return;
        foreach (var (option, url) in ListenAddress.Of(options, configuration).Where(a => !ListenAddress.IsLoopback(a.Url)))
        {
            found.AddRange([
                $"{option} is '{url}', which other machines may reach, and no call needs a key. Make one with: gristmill keys new --role admin --name NAME, " +
                "and set the Gristmill__Access__Keys__… that it prints, or set Gristmill__Access__Oidc__Authority and …__Audience; or listen on http://127.0.0.1:8080; " +
                "or, where the network keeps strangers out, pass --insecure (Gristmill__Access__Insecure=true).",
            ]);
        }
    }
}

using System.Globalization;

namespace Gristmill.Redis;

/// <summary>The bounds of <see cref="RedisOptions"/>, as documented there.</summary>
internal static class RedisOptionsRules
{
    private static readonly TimeSpan ShortestLimit = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan LongestLimit = TimeSpan.FromMinutes(10);

    public static IReadOnlyList<string> Check(RedisOptions given)
    {
        RedisOptions options;
        try
        {
            options = given.Effective();
        }
        catch (FormatException e)
        {
            return [e.Message];
        }

        var found = new List<string>();
        Endpoint(options, found);
        TlsFiles(options, found);
        Limits(options, found);
        Times(options, found);
        return found;
    }

    private static void Endpoint(RedisOptions options, List<string> found)
    {
        if (Uri.CheckHostName(options.Host) == UriHostNameType.Unknown)
        {
            found.Add($"{nameof(options.Host)} is '{options.Host}': it must be a host name or an IP address.");
        }

        Range(found, nameof(options.Port), options.Port, 1, 65_535);
        Range(found, nameof(options.Database), options.Database, 0, 1_000_000);
        if (options.User is not null && options.Password is null)
        {
            found.Add($"{nameof(options.User)} is '{options.User}' and {nameof(options.Password)} is not set: a user needs a password.");
        }

        if (options.ClientName.Length is 0 or > 128 || options.ClientName.Any(c => c is <= ' ' or > '~'))
        {
            found.Add($"{nameof(options.ClientName)} is '{options.ClientName}': it must be 1 to 128 printable ASCII characters without blanks.");
        }

        if (!Enum.IsDefined(options.Protocol))
        {
            found.Add($"{nameof(options.Protocol)} is {(int)options.Protocol}: it must be Auto, Resp2 or Resp3.");
        }
    }

    private static void TlsFiles(RedisOptions options, List<string> found)
    {
        (string Name, string? Path)[] files =
        [
            (nameof(options.TlsCaFile), options.TlsCaFile),
            (nameof(options.TlsCertificateFile), options.TlsCertificateFile),
            (nameof(options.TlsKeyFile), options.TlsKeyFile),
        ];
        foreach (var (name, path) in files)
        {
            if (path is not null && !File.Exists(path))
            {
                found.Add($"{name} is '{path}': there is no such file.");
            }
        }

        if (!options.Tls && (files.Any(f => f.Path is not null) || options.TlsServerName is not null))
        {
            found.Add($"{nameof(options.Tls)} is false and an option of TLS is set: use rediss:// or set {nameof(options.Tls)}.");
        }
    }

    private static void Limits(RedisOptions options, List<string> found)
    {
        Range(found, nameof(options.MaxInFlight), options.MaxInFlight, 1, 10_000_000);
        Range(found, nameof(options.MaxBacklogBytes), options.MaxBacklogBytes, 1_024, 16L << 30);
        Range(found, nameof(options.MaxDedicated), options.MaxDedicated, 1, 100_000);
        Range(found, nameof(options.MaxBulkBytes), options.MaxBulkBytes, 1, 1 << 30);
        Range(found, nameof(options.MaxReplyBytes), options.MaxReplyBytes, 1, 64L << 30);
        Range(found, nameof(options.MaxReplyDepth), options.MaxReplyDepth, 1, 1_024);
        Range(found, nameof(options.MaxReplyElements), options.MaxReplyElements, 1, 1 << 28);
        Range(found, nameof(options.SubscriptionBuffer), options.SubscriptionBuffer, 1, 1_000_000);
    }

    private static void Times(RedisOptions options, List<string> found)
    {
        Range(found, nameof(options.ConnectTimeout), options.ConnectTimeout, ShortestLimit, LongestLimit);
        Range(found, nameof(options.CommandTimeout), options.CommandTimeout, ShortestLimit, LongestLimit);
        Range(found, nameof(options.KeepAlive), options.KeepAlive, ShortestLimit, LongestLimit);
        Range(found, nameof(options.BackoffMax), options.BackoffMax, TimeSpan.FromMilliseconds(1), LongestLimit);
        Range(found, nameof(options.BackoffMin), options.BackoffMin, TimeSpan.FromMilliseconds(1), options.BackoffMax);
    }

    private static void Range<T>(List<string> found, string name, T value, T least, T most)
        where T : IComparable<T>, IFormattable
    {
        if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
        {
            found.Add(string.Create(CultureInfo.InvariantCulture, $"{name} is {value}: it must be {least} to {most}."));
        }
    }
}

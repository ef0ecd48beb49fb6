using System.Globalization;
using System.Text;

namespace Gristmill.Redis;

/// <summary>
/// Reads <c>redis[s]://[user[:password]@]host[:port][/database]</c> (https://www.iana.org/assignments/uri-schemes/prov/redis),
/// and shows addresses without their secrets. No message of a failure repeats what was given: a mistyped URL is mostly
/// password.
/// </summary>
public static class RedisUrl
{
    private const string Hidden = "***";

    /// <summary>
    /// The same text with password, lone user information and query hidden: <c>redis://user:***@host:6379/0</c>. Works on
    /// malformed URLs too, and then rather hides too much. Text without "://" is returned as it is.
    /// </summary>
    /// <param name="url">A URL, or what was meant to be one.</param>
    public static string Redact(string url)
    {
        ArgumentNullException.ThrowIfNull(url);
        var scheme = url.IndexOf("://", StringComparison.Ordinal);
        if (scheme < 0)
        {
            return url;
        }

        var start = scheme + 3;
        var at = url.LastIndexOf('@');
        var tail = at < start ? url[start..] : url[(at + 1)..];
        if (tail.IndexOfAny(['?', '#']) is >= 0 and var query)
        {
            tail = tail[..(query + 1)] + Hidden;
        }

        if (at < start)
        {
            return url[..start] + tail;
        }

        var colon = url.IndexOf(':', start, at - start);
        var user = colon < 0 ? "" : url[start..(colon + 1)];
        return url[..start] + user + Hidden + "@" + tail;
    }

    /// <summary>The endpoint as a URL, with the password hidden.</summary>
    internal static string Describe(RedisOptions options)
    {
        var text = new StringBuilder(options.Tls ? "rediss://" : "redis://");
        if (options.Password is not null)
        {
            text.Append(options.User).Append(':').Append(Hidden).Append('@');
        }

        return text.Append(Endpoint(options.Host, options.Port)).Append('/').Append(options.Database).ToString();
    }

    /// <summary>host:port, with brackets where the host is an IPv6 address.</summary>
    internal static string Endpoint(string host, int port) =>
        string.Create(CultureInfo.InvariantCulture, $"{(host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host)}:{port}");

    /// <summary>Puts the parts of a URL into options.</summary>
    internal static void Apply(string url, RedisOptions options)
    {
        var rest = Scheme(url, out var tls);
        var end = rest.IndexOfAny('/', '?', '#');
        var authority = end < 0 ? rest : rest[..end];
        var path = end < 0 ? [] : rest[end..];
        if (path.Contains('@'))
        {
            throw Malformed("has '@' behind the host; '/', '?', '#' and '@' in a user or password are written as %2F, %3F, %23 and %40");
        }

        options.Tls = tls;
        options.Database = Database(path);
        var at = authority.LastIndexOf('@');
        (options.User, options.Password) = at < 0 ? (null, null) : UserInformation(authority[..at]);
        (options.Host, options.Port) = HostAndPort(authority[(at + 1)..]);
    }

    private static ReadOnlySpan<char> Scheme(ReadOnlySpan<char> url, out bool tls)
    {
        tls = url.StartsWith("rediss://", StringComparison.OrdinalIgnoreCase);
        if (tls)
        {
            return url["rediss://".Length..];
        }

        return url.StartsWith("redis://", StringComparison.OrdinalIgnoreCase)
            ? url["redis://".Length..]
            : throw Malformed("must begin with redis:// or rediss://");
    }

    private static int Database(ReadOnlySpan<char> path)
    {
        if (path.IndexOfAny('?', '#') >= 0)
        {
            throw Malformed("has a query or fragment; set such options by their own names");
        }

        if (path.Length <= 1)
        {
            return 0;
        }

        return int.TryParse(path[1..], NumberStyles.None, CultureInfo.InvariantCulture, out var database)
            ? database
            : throw Malformed("has a path that is no database number");
    }

    private static (string? User, string? Password) UserInformation(ReadOnlySpan<char> text)
    {
        var colon = text.IndexOf(':');
        var user = Decode(colon < 0 ? text : text[..colon]);
        var password = colon < 0 ? "" : Decode(text[(colon + 1)..]);
        return (user.Length == 0 ? null : user, password.Length == 0 ? null : password);
    }

    private static (string Host, int Port) HostAndPort(ReadOnlySpan<char> text)
    {
        var close = text.StartsWith('[') ? text.IndexOf(']') : -1;
        var colon = close < 0 ? text.IndexOf(':') : text[close..].IndexOf(':') + close;
        if (close >= 0 && colon < close)
        {
            colon = -1;
        }

        var host = (colon < 0 ? text : text[..colon]).ToString();
        var bare = close < 0 ? host : host.Trim('[', ']');
        var kind = Uri.CheckHostName(bare);
        if (kind == UriHostNameType.Unknown || (kind == UriHostNameType.IPv6) != (close >= 0) || (close >= 0 && host != $"[{bare}]"))
        {
            throw Malformed("has no valid host; an IPv6 address stands in brackets");
        }

        if (colon < 0)
        {
            return (bare, RedisOptions.DefaultPort);
        }

        return int.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= 65_535
            ? (bare, port)
            : throw Malformed("has a port that is not 1 to 65535");
    }

    /// <summary>Strict percent-decoding: what does not decode is refused rather than passed on as a wrong password.</summary>
    private static string Decode(ReadOnlySpan<char> text)
    {
        var bytes = new List<byte>(text.Length);
        Span<byte> utf8 = stackalloc byte[4];
        foreach (var rune in text.EnumerateRunes())
        {
            bytes.AddRange(utf8[..rune.EncodeToUtf8(utf8)]);
        }

        var output = new List<byte>(bytes.Count);
        for (var i = 0; i < bytes.Count; i++)
        {
            if (bytes[i] != '%')
            {
                output.Add(bytes[i]);
                continue;
            }

            if (i + 2 >= bytes.Count || !char.IsAsciiHexDigit((char)bytes[i + 1]) || !char.IsAsciiHexDigit((char)bytes[i + 2]))
            {
                throw Malformed("has a '%' in user or password that is not followed by two hex digits; '%' itself is written as %25");
            }

            output.Add((byte)((HexValue(bytes[i + 1]) << 4) | HexValue(bytes[i + 2])));
            i += 2;
        }

        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(output.ToArray());
        }
        catch (DecoderFallbackException)
        {
            throw Malformed("has a user or password that is not UTF-8 when decoded");
        }
    }

    private static int HexValue(byte digit) => char.IsAsciiDigit((char)digit) ? digit - '0' : (digit | 0x20) - 'a' + 10;

    private static FormatException Malformed(string what) => new($"{nameof(RedisOptions.Url)} {what}.");
}

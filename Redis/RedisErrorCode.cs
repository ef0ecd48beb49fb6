namespace Gristmill.Redis;

/// <summary>The code words of error replies that this client or its callers act on, and how to find one in a text.</summary>
public static class RedisErrorCode
{
    /// <summary>The key holds another type than the command works on.</summary>
    public const string WrongType = "WRONGTYPE";

    /// <summary>maxmemory is reached and the policy evicts nothing.</summary>
    public const string OutOfMemory = "OOM";

    /// <summary>The script is not in the server's cache.</summary>
    public const string NoScript = "NOSCRIPT";

    /// <summary>The server is reading its data set into memory.</summary>
    public const string Loading = "LOADING";

    /// <summary>The server is a replica and takes no writes.</summary>
    public const string ReadOnly = "READONLY";

    /// <summary>The server is a replica that has lost its master and is set to serve nothing.</summary>
    public const string MasterDown = "MASTERDOWN";

    /// <summary>A script is running for longer than the server allows others to wait.</summary>
    public const string Busy = "BUSY";

    /// <summary>The server asks for a password.</summary>
    public const string NoAuth = "NOAUTH";

    /// <summary>The user or the password is wrong.</summary>
    public const string WrongPass = "WRONGPASS";

    /// <summary>The user's ACL forbids the command, the key or the channel.</summary>
    public const string NoPermission = "NOPERM";

    /// <summary>The server does not speak the asked version of the protocol.</summary>
    public const string NoProtocol = "NOPROTO";

    /// <summary>Any other error.</summary>
    public const string Generic = "ERR";

    private const string GarnetScriptPrefix = "ERR Lua encountered an error: ";
    private const string GenericPrefix = "ERR ";

    /// <summary>Whether an error of this code is raised before the command changes anything.</summary>
    /// <param name="code">The code word.</param>
    public static bool IsRefusal(string code) =>
        code is NoScript or Loading or ReadOnly or MasterDown or Busy or NoAuth or WrongPass or NoPermission;

    /// <summary>
    /// Finds the code word. Garnet puts "ERR Lua encountered an error: " before what redis.call raises in a script, and
    /// "ERR " before a redis.error_reply that a script returns; for replies to scripts the word behind those counts.
    /// </summary>
    /// <param name="text">The error text.</param>
    /// <param name="fromScript">Whether it answers EVAL or EVALSHA.</param>
    public static string Of(ReadOnlySpan<char> text, bool fromScript)
    {
        if (fromScript && text.StartsWith(GenericPrefix, StringComparison.Ordinal))
        {
            var inner = text.StartsWith(GarnetScriptPrefix, StringComparison.Ordinal)
                ? text[GarnetScriptPrefix.Length..]
                : text[GenericPrefix.Length..];
            if (FirstWord(inner) is { Length: > 0 } word)
            {
                return word.ToString();
            }
        }

        return FirstWord(text) is { Length: > 0 } first ? first.ToString() : Generic;
    }

    /// <summary>The first word where it reads as a code: at least three capitals, digits or underscores, then a blank or the end.</summary>
    private static ReadOnlySpan<char> FirstWord(ReadOnlySpan<char> text)
    {
        var length = text.IndexOfAny(' ', '\r', '\n');
        var word = length < 0 ? text : text[..length];
        if (word.Length < 3 || !char.IsAsciiLetterUpper(word[0]))
        {
            return [];
        }

        foreach (var c in word)
        {
            if (!char.IsAsciiLetterUpper(c) && !char.IsAsciiDigit(c) && c != '_')
            {
                return [];
            }
        }

        return word;
    }
}

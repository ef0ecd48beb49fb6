namespace Gristmill.Redis;

/// <summary>What to do when Redis does not serve: by what it said, where it said something.</summary>
public static class RedisAdvice
{
    private const string Form = "An address reads redis://user:password@host:6379/0; a password alone reads redis://:password@host:6379/0.";

    /// <summary>One or two sentences.</summary>
    /// <param name="error">What went wrong; what the server said may be inside it.</param>
    public static string Of(Exception error)
    {
        ArgumentNullException.ThrowIfNull(error);
        return (error as RedisServerException ?? error.InnerException as RedisServerException) switch
        {
            { Code: RedisErrorCode.WrongPass } => $"The user or the password in the address is wrong. {Form}",
            { Code: RedisErrorCode.NoAuth } => $"It asks for a password. {Form}",
            { } said when IsForbidden(said) =>
                "The user in the address may not do this: ACL SETUSER gives the rights, or take another user. Needed are the commands but @admin, the keys gristmill:* and the lists, and the channels &gristmill:*.",
            { Code: RedisErrorCode.Loading } => "It reads its data from disk; try again when it has.",
            { } said when said.Message.Contains("DB index", StringComparison.OrdinalIgnoreCase) || said.Message.Contains("database", StringComparison.OrdinalIgnoreCase) =>
                "The number at the end of the address is the database; this Redis has fewer (16 unless its setting 'databases' says otherwise).",
            { } => "That is Redis's own word; see its log.",
            null => "Is the address right (--redis, REDIS_URL), and Redis up?",
        };
    }

    /// <summary>The message as a sentence that others may follow: what a server or the system says ends as it likes.</summary>
    public static string Sentence(string message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return message.EndsWith('.') ? message : message + ".";
    }

    /// <summary>What went wrong, and what to do where it is a right that is missing.</summary>
    /// <param name="error">What went wrong.</param>
    public static string Explain(Exception error)
    {
        ArgumentNullException.ThrowIfNull(error);
        return IsForbidden(error) ? $"{error.Message.TrimEnd().TrimEnd('.')}. {Of(error)}" : error.Message;
    }

    /// <summary>Whether the user has no right to what was asked. What a script may not do is an error of the script, with another code.</summary>
    /// <param name="error">What went wrong.</param>
    public static bool IsForbidden(Exception error) => error is RedisServerException said && (said.Code == RedisErrorCode.NoPermission
        || said.Message.Contains("The user executing the script can't", StringComparison.Ordinal)
        || said.Message.Contains("ACL failure in script", StringComparison.Ordinal));
}

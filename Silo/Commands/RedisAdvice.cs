using Gristmill.Redis;

namespace Gristmill.Silo.Commands;

/// <summary>What to do when Redis does not serve: by what it said, where it said something.</summary>
internal static class RedisAdvice
{
    private const string Form = "An address reads redis://user:password@host:6379/0; a password alone reads redis://:password@host:6379/0.";

    /// <summary>One or two sentences.</summary>
    public static string Of(RedisException error) => (error as RedisServerException ?? error.InnerException as RedisServerException) switch
    {
        { Code: RedisErrorCode.WrongPass } => $"The user or the password in the address is wrong. {Form}",
        { Code: RedisErrorCode.NoAuth } => $"It asks for a password. {Form}",
        { Code: RedisErrorCode.NoPermission } => "The user in the address may not do this: give it the rights with ACL SETUSER, or use another one.",
        { Code: RedisErrorCode.Loading } => "It reads its data from disk; try again when it has.",
        { } said when said.Message.Contains("DB index", StringComparison.OrdinalIgnoreCase) || said.Message.Contains("database", StringComparison.OrdinalIgnoreCase) =>
            "The number at the end of the address is the database; this Redis has fewer (16 unless its setting 'databases' says otherwise).",
        { } => "That is Redis's own word; see its log.",
        null => "Is the address right, and Redis up? See --redis.",
    };
}

namespace Gristmill.Redis;

/// <summary>
/// Everything that a command can fail with, in one closed set. What a caller must know is <see cref="MayHaveExecuted"/>:
/// when it is false the command changed nothing and can be sent again; when it is true the outcome is unknown.
/// </summary>
public abstract class RedisException : Exception
{
    private protected RedisException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }

    /// <summary>Whether the server may have executed the command, wholly or in part.</summary>
    public abstract bool MayHaveExecuted { get; }
}

/// <summary>The server answered with an error.</summary>
public sealed class RedisServerException : RedisException
{
    /// <summary>Makes the exception from the server's text.</summary>
    /// <param name="code">The code word, such as WRONGTYPE.</param>
    /// <param name="message">The whole text as the server sent it.</param>
    public RedisServerException(string code, string message)
        : base(message) => Code = code;

    /// <summary>
    /// The code word in capitals: ERR, WRONGTYPE, OOM, NOSCRIPT, LOADING, READONLY, MASTERDOWN, NOAUTH, or what a script
    /// chose. Garnet wraps what scripts raise ("ERR Lua encountered an error: WRONGTYPE …"); the code is the inner word.
    /// </summary>
    public string Code { get; }

    /// <summary>
    /// False for refusals that come before anything is executed (<see cref="RedisErrorCode.IsRefusal"/>); true otherwise,
    /// since a script that fails half-way is not rolled back.
    /// </summary>
    public override bool MayHaveExecuted => !RedisErrorCode.IsRefusal(Code);
}

/// <summary>The command was not sent: Redis cannot be reached, or the backlog is full. Safe to retry.</summary>
public sealed class RedisUnavailableException : RedisException
{
    /// <summary>Makes the exception; public for those who stand in for a Redis in tests.</summary>
    /// <param name="message">What happened.</param>
    /// <param name="inner">Its cause.</param>
    public RedisUnavailableException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }

    /// <inheritdoc/>
    public override bool MayHaveExecuted => false;
}

/// <summary>The command was sent and no reply came in time. It may have been executed, or still be.</summary>
public sealed class RedisTimeoutException : RedisException
{
    /// <summary>Makes the exception; public for those who stand in for a Redis in tests.</summary>
    /// <param name="message">What happened.</param>
    public RedisTimeoutException(string message)
        : base(message)
    {
    }

    /// <inheritdoc/>
    public override bool MayHaveExecuted => true;
}

/// <summary>The connection was lost after the command was sent and before its reply came.</summary>
public sealed class RedisConnectionLostException : RedisException
{
    /// <summary>Makes the exception; public for those who stand in for a Redis in tests.</summary>
    /// <param name="message">What happened.</param>
    /// <param name="inner">Its cause.</param>
    public RedisConnectionLostException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }

    /// <inheritdoc/>
    public override bool MayHaveExecuted => true;
}

/// <summary>
/// What came is not RESP, breaks a bound (<see cref="RedisOptions.MaxBulkBytes"/> and its neighbours), or is not of the
/// kind that the caller asked for.
/// </summary>
public sealed class RedisProtocolException : RedisException
{
    internal RedisProtocolException(string message)
        : base(message)
    {
    }

    /// <inheritdoc/>
    public override bool MayHaveExecuted => true;
}

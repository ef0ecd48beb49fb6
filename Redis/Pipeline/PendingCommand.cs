namespace Gristmill.Redis;

/// <summary>Where a command stands. All moves are made under the lock of <see cref="CommandQueue"/>.</summary>
internal enum PendingState : byte
{
    /// <summary>Not written to any socket: safe to fail as unavailable.</summary>
    Waiting,

    /// <summary>Written, or about to be: the outcome is unknown until the reply.</summary>
    Sent,

    /// <summary>Written, and its caller has been answered (timeout, cancel); it keeps its place until the reply comes.</summary>
    Abandoned,

    /// <summary>Finished.</summary>
    Done,
}

/// <summary>
/// One command between its caller and its reply. It is its own task source; continuations run on the thread pool, so no
/// caller can hold up the reader of the connection.
/// </summary>
internal sealed class PendingCommand(string name, ArgumentBuffer arguments, RedisScript? script, int keys, long deadline)
    : TaskCompletionSource<RedisReply>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public string Name => name;

    public ArgumentBuffer Arguments => arguments;

    public RedisScript? Script => script;

    public int Keys => keys;

    /// <summary>When the caller is answered with a timeout, in timestamps of the time provider.</summary>
    public long Deadline => deadline;

    /// <summary>Taken once, so that the backlog gives back what it counted although the buffer has been released.</summary>
    public int Size { get; } = arguments.Length;

    public PendingState State { get; set; }

    /// <summary>Set by the writer when the bytes are out of <see cref="Arguments"/>; a reply before that answers nothing.</summary>
    public bool Written { get; set; }

    /// <summary>Whether this sending carries the script's body: NOSCRIPT is then the script's own word.</summary>
    public bool WithBody { get; set; }

    /// <summary>Asks the server which scripts it has; sent by the queue for itself.</summary>
    public bool IsScriptCheck { get; init; }

    public CancellationTokenRegistration Cancellation { get; set; }
}

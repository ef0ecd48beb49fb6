namespace Gristmill.Store;

/// <summary>The first value of every script's reply; the same numbers stand in Scripts/common.lua, which a test compares.</summary>
public enum StoreStatus
{
    /// <summary>The step was made.</summary>
    Ok = 0,

    /// <summary>The queue is paused or draining.</summary>
    Paused = 1,

    /// <summary>The generation has no lease on the queue: it never joined, or was reaped.</summary>
    NoLease = 2,

    /// <summary>A key is of the wrong type; nothing was changed.</summary>
    WrongType = 3,

    /// <summary>The queue's dead letters have reached their bound; nothing more is claimed.</summary>
    DeadLettersFull = 4,

    /// <summary>A limit of the queue (running jobs, admitted jobs) leaves no room.</summary>
    NoRoom = 5,

    /// <summary>The queue's keys were written by a version with another schema.</summary>
    Schema = 6,

    /// <summary>The jobs that wait for their time, for other jobs or for another attempt have reached their bound.</summary>
    WaitingFull = 7,

    /// <summary>Items that were taken in are being read, and jobs of sessions keep the order in which they are: nothing is claimed before.</summary>
    Reading = 8,
}

/// <summary>A key that a script needs is of another type; nothing was changed. Rename or remove the key.</summary>
/// <param name="key">The key.</param>
/// <param name="found">Its type, as TYPE says it.</param>
/// <param name="expected">The type that it should have.</param>
public sealed class WrongTypeException(string key, string found, string expected)
    : Exception($"The key '{key}' is a {found}; a {expected} is expected there. Rename or remove the key.")
{
    /// <summary>The key.</summary>
    public string Key { get; } = key;

    /// <summary>Its type in Redis.</summary>
    public string Found { get; } = found;

    /// <summary>The type that it should have.</summary>
    public string Expected { get; } = expected;
}

/// <summary>The queue's keys were written by a version of Gristmill with another schema.</summary>
/// <param name="queue">The queue.</param>
/// <param name="found">The schema found in Redis.</param>
public sealed class SchemaException(string queue, string found)
    : Exception($"The queue '{queue}' has schema {found} in Redis; this version reads and writes schema {RedisKeys.Schema}. Run the version that wrote it, or give this one a Service of its own.");

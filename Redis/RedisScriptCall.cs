namespace Gristmill.Redis;

/// <summary>
/// A call of a script under construction: keys first, then arguments, encoded as they are added and once only, also when the
/// server has lost the script and the call goes out again with its body. Sent once, as <see cref="RedisCommand"/>.
/// </summary>
public sealed class RedisScriptCall
{
    private ArgumentBuffer? _arguments = new();

    /// <summary>Begins a call.</summary>
    /// <param name="script">The script.</param>
    public RedisScriptCall(RedisScript script)
    {
        ArgumentNullException.ThrowIfNull(script);
        Script = script;
    }

    /// <summary>The script that is called.</summary>
    public RedisScript Script { get; }

    /// <summary>How many keys were added.</summary>
    public int KeyCount { get; private set; }

    /// <summary>How many arguments were added behind the keys.</summary>
    public int ArgumentCount => Arguments.Count - KeyCount;

    /// <summary>How many bytes the keys and arguments take on the wire, to keep batches within a budget.</summary>
    public int Length => Arguments.Length;

    /// <summary>A time limit of its own instead of <see cref="RedisOptions.CommandTimeout"/>.</summary>
    public TimeSpan? Timeout { get; private set; }

    private ArgumentBuffer Arguments => _arguments ?? throw new InvalidOperationException("A call is sent once; build another.");

    /// <summary>Adds a key.</summary>
    /// <param name="key">The key.</param>
    /// <exception cref="InvalidOperationException">An argument was added before.</exception>
    public RedisScriptCall AddKey(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        BeforeKey();
        Arguments.Add(key.AsSpan());
        return this;
    }

    /// <summary>Adds a key of any bytes.</summary>
    /// <param name="key">The key; copied.</param>
    /// <exception cref="InvalidOperationException">An argument was added before.</exception>
    public RedisScriptCall AddKey(ReadOnlySpan<byte> key)
    {
        BeforeKey();
        Arguments.Add(key);
        return this;
    }

    /// <summary>Adds text as UTF-8.</summary>
    /// <param name="value">The text.</param>
    public RedisScriptCall AddArg(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        Arguments.Add(value.AsSpan());
        return this;
    }

    /// <summary>Adds an integer as decimal digits.</summary>
    /// <param name="value">The integer.</param>
    public RedisScriptCall AddArg(long value)
    {
        Arguments.Add(value);
        return this;
    }

    /// <summary>Adds a number in its shortest form that reads back the same.</summary>
    /// <param name="value">The number.</param>
    public RedisScriptCall AddArg(double value)
    {
        Arguments.Add(value);
        return this;
    }

    /// <summary>Adds bytes.</summary>
    /// <param name="value">The bytes; copied.</param>
    public RedisScriptCall AddArg(ReadOnlySpan<byte> value)
    {
        Arguments.Add(value);
        return this;
    }

    /// <summary>Sets a time limit of its own.</summary>
    /// <param name="timeout">More than zero.</param>
    public RedisScriptCall WithTimeout(TimeSpan timeout)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero);
        Timeout = timeout;
        return this;
    }

    /// <summary>The script's name and the counts, never the content.</summary>
    public override string ToString() => $"{Script.Name} ({KeyCount} keys)";

    internal ArgumentBuffer Take() => Interlocked.Exchange(ref _arguments, null)
        ?? throw new InvalidOperationException($"This call of {Script.Name} has been sent already; build another.");

    private void BeforeKey()
    {
        if (Arguments.Count != KeyCount)
        {
            throw new InvalidOperationException($"Keys of {Script.Name} come before its arguments.");
        }

        KeyCount++;
    }
}

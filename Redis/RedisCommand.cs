namespace Gristmill.Redis;

/// <summary>
/// A command under construction: <c>new RedisCommand("HSET").Add(key).Add("field").Add(7)</c>. Arguments are encoded as they
/// are added. A command is sent once; executing it hands its memory over, and using it again throws
/// <see cref="InvalidOperationException"/>. Not for use from several threads.
/// </summary>
public sealed class RedisCommand
{
    private ArgumentBuffer? _arguments = new();

    /// <summary>Begins a command.</summary>
    /// <param name="name">Its name, such as HSET; one word.</param>
    public RedisCommand(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Name = name;
        Arguments.Add(name);
    }

    /// <summary>Begins a command with text arguments.</summary>
    /// <param name="name">Its name, such as HSET; one word.</param>
    /// <param name="arguments">Its arguments.</param>
    public RedisCommand(string name, params ReadOnlySpan<string> arguments)
        : this(name)
    {
        foreach (var argument in arguments)
        {
            Add(argument);
        }
    }

    /// <summary>The command's name, as given.</summary>
    public string Name { get; }

    /// <summary>A time limit of its own instead of <see cref="RedisOptions.CommandTimeout"/>.</summary>
    public TimeSpan? Timeout { get; private set; }

    private ArgumentBuffer Arguments => _arguments ?? throw new InvalidOperationException("A command is sent once; build another.");

    /// <summary>Adds text as UTF-8.</summary>
    /// <param name="value">The text.</param>
    public RedisCommand Add(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        Arguments.Add(value.AsSpan());
        return this;
    }

    /// <summary>Adds an integer as decimal digits.</summary>
    /// <param name="value">The integer.</param>
    public RedisCommand Add(long value)
    {
        Arguments.Add(value);
        return this;
    }

    /// <summary>Adds a number in its shortest form that reads back the same.</summary>
    /// <param name="value">The number.</param>
    public RedisCommand Add(double value)
    {
        Arguments.Add(value);
        return this;
    }

    /// <summary>Adds bytes.</summary>
    /// <param name="value">The bytes; copied.</param>
    public RedisCommand Add(ReadOnlySpan<byte> value)
    {
        Arguments.Add(value);
        return this;
    }

    /// <summary>Sets a time limit of its own.</summary>
    /// <param name="timeout">More than zero.</param>
    public RedisCommand WithTimeout(TimeSpan timeout)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero);
        Timeout = timeout;
        return this;
    }

    /// <summary>The name alone: arguments may be secret.</summary>
    public override string ToString() => Name;

    internal ArgumentBuffer Take() => Interlocked.Exchange(ref _arguments, null)
        ?? throw new InvalidOperationException($"The command {Name} has been sent already; build another.");
}

namespace Gristmill.Redis;

/// <summary>
/// What is to be said of something that fails again and again: each cause once, when it comes, and then once a minute how
/// often it has failed and for how long. For one loop: not thread-safe.
/// </summary>
/// <param name="time">The clock.</param>
public sealed class RepeatedFailure(TimeProvider time)
{
    /// <summary>How often it is said that nothing has changed.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    // Causes that come in turns (one command is refused, then another) are few; more of them differ in figures only.
    private const int MostCauses = 8;
    private readonly HashSet<string> _causes = new(StringComparer.Ordinal);
    private long _began;
    private long _said;

    /// <summary>How often it has failed since it last went well.</summary>
    public int Count { get; private set; }

    /// <summary>Since when it fails.</summary>
    public TimeSpan Lasted => Count == 0 ? TimeSpan.Zero : time.GetElapsedTime(_began);

    /// <summary>It failed.</summary>
    /// <param name="cause">Why.</param>
    /// <returns>What is to be said of it.</returns>
    public FailureNews Failed(string cause)
    {
        if (Count++ == 0) _began = time.GetTimestamp();
        var known = _causes.Contains(cause) || _causes.Count >= MostCauses;
        if (known && time.GetElapsedTime(_said) < Period) return FailureNews.None;
        _said = time.GetTimestamp();
        if (known) return FailureNews.Still;
        _causes.Add(cause);
        return FailureNews.New;
    }

    /// <summary>It went well.</summary>
    /// <returns>Whether it had failed before.</returns>
    public bool Succeeded()
    {
        if (Count == 0) return false;
        Count = 0;
        _causes.Clear();
        return true;
    }
}

/// <summary>What is to be said of a failure.</summary>
public enum FailureNews
{
    /// <summary>Nothing: it was said.</summary>
    None,

    /// <summary>What it is.</summary>
    New,

    /// <summary>That it has not changed, how often it has happened and for how long.</summary>
    Still,
}

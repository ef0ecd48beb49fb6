namespace Gristmill;

/// <summary>What went wrong, as far as a caller can act on it. The numbers are part of the wire format and are never reused.</summary>
public enum GristmillErrorKind
{
    /// <summary>The callee failed in a way it has no name for; <see cref="GristmillException.TypeName"/> says what it threw.</summary>
    Failed = 0,

    /// <summary>The caller asked for something that is never possible: a bad argument.</summary>
    Invalid = 1,

    /// <summary>What the call names does not exist.</summary>
    NotFound = 2,

    /// <summary>The call does not fit the present state, or another writer was faster.</summary>
    Conflict = 3,

    /// <summary>The caller may not do this here.</summary>
    Refused = 4,

    /// <summary>A bound was reached (a full call queue, too many activations); the call did not run and may be tried later.</summary>
    Overloaded = 5,

    /// <summary>The silo is stopping or cannot be reached; whether the call ran is unknown unless the message says so.</summary>
    Unavailable = 6,
}

/// <summary>
/// The one exception that crosses a grain call. Grains throw it to say what happened; any other exception a grain
/// throws reaches its caller as one of kind <see cref="GristmillErrorKind.Failed"/> that names the original type.
/// </summary>
/// <remarks>
/// This file stands by itself: where Orleans is the engine it is compiled into Grains.Interfaces instead, and the
/// attributes below are then Orleans' own.
/// </remarks>
[GenerateSerializer, Alias("gristmill.Exception")]
public sealed class GristmillException : Exception
{
    /// <summary>Creates an exception of a kind.</summary>
    /// <param name="kind">What a caller can act on.</param>
    /// <param name="message">For people; it crosses the call as it is.</param>
    /// <param name="typeName">The full name of the exception type this one stands for; null for an exception of its own.</param>
    /// <param name="innerException">Kept where it was thrown; it does not cross a call.</param>
    public GristmillException(GristmillErrorKind kind, string message, string? typeName = null, Exception? innerException = null)
        : base(message, innerException)
    {
        Kind = kind;
        TypeName = typeName ?? typeof(GristmillException).FullName!;
    }

    /// <summary>What a caller can act on.</summary>
    [Id(0)]
    public GristmillErrorKind Kind { get; private set; }

    /// <summary>The full name of the type that was thrown; text for people and logs, never used to load a type.</summary>
    [Id(1)]
    public string TypeName { get; private set; }
}

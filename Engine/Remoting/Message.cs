namespace Gristmill.Engine;

/// <summary>What a message is. The numbers are part of the wire format and are never reused; a reader skips those it does not know.</summary>
internal enum MessageKind
{
    /// <summary>Says nothing; wakes a silo that waits at its inbox.</summary>
    Wake = 0,

    /// <summary>A call; with no correlation, one that wants no answer.</summary>
    Call = 1,

    /// <summary>The outcome of a call.</summary>
    Reply = 2,

    /// <summary>The caller has given a call up.</summary>
    Cancel = 3,

    /// <summary>The call did not run: the grain is elsewhere.</summary>
    Moved = 4,
}

/// <summary>
/// What one silo sends another. A call says whether its caller can cancel it; a moved one who holds the grain, if that is known. A silo reads messages from <see cref="OldestVersion"/> to <see cref="NewestVersion"/>, which
/// its member record says, and skips fields that it does not know.
/// </summary>
[GenerateSerializer, Immutable, Alias("gristmill.Message")]
internal sealed record Message(
    [property: Id(0)] int Version,
    [property: Id(1)] MessageKind Kind,
    [property: Id(2)] long Correlation,
    [property: Id(3)] string Sender,
    [property: Id(4)] CallMessage? Call = null,
    [property: Id(5)] ReplyMessage? Reply = null,
    [property: Id(6)] string? Holder = null,
    [property: Id(7)] bool Cancellable = false)
{
    public const int OldestVersion = 1;
    public const int NewestVersion = 1;
}

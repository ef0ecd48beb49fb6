namespace Gristmill.Engine;

/// <summary>How a call ended: with a value, or with an exception of those that may cross a call.</summary>
internal readonly record struct Outcome(object? Value, Exception? Error)
{
    public static Outcome Of(object? value) => new(value, null);

    /// <summary>
    /// Turns what a callee threw into what its caller may see: a cancellation or a <see cref="GristmillException"/>,
    /// always a new object, as if it had crossed a wire.
    /// </summary>
    public static Outcome Failed(Exception thrown) => new(null, thrown switch
    {
        OperationCanceledException => new OperationCanceledException(thrown.Message),
        GristmillException known => new GristmillException(known.Kind, known.Message, known.TypeName),
        InconsistentStateException => new GristmillException(GristmillErrorKind.Conflict, thrown.Message, thrown.GetType().FullName),
        _ => new GristmillException(GristmillErrorKind.Failed, thrown.Message, thrown.GetType().FullName),
    });

    public static Outcome Overloaded(string message) => new(null, new GristmillException(GristmillErrorKind.Overloaded, message));

    public static Outcome Unavailable(string message) => new(null, new GristmillException(GristmillErrorKind.Unavailable, message));
}

/// <summary>Takes the outcome of a call back to its caller. Only the first outcome counts.</summary>
internal interface IReplyTo
{
    void Reply(in Outcome outcome);
}

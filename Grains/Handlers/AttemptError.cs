namespace Gristmill.Grains.Handlers;

/// <summary>Why an attempt failed; each kind has its own budget of retries.</summary>
internal enum AttemptErrorKind
{
    Retry = 0,
    Fatal = 1,
    OutOfMemory = 2,

    /// <summary>The worker process ended or was ended by its supervisor without an answer.</summary>
    WorkerLost = 3,
}

/// <summary>A failure in a form that can be stored: bounded texts, no exception objects.</summary>
internal sealed record AttemptError
{
    public const int MaxTypeChars = 256;
    public const int MaxMessageChars = 4 * 1024;
    public const int MaxDetailChars = 16 * 1024;

    private AttemptError(AttemptErrorKind kind, string type, string message, string? detail)
    {
        Kind = kind;
        Type = type;
        Message = message;
        Detail = detail;
    }

    public AttemptErrorKind Kind { get; }

    /// <summary>The exception's type name, or the worker's name for the error.</summary>
    public string Type { get; }

    public string Message { get; }

    /// <summary>The stack, or the last lines of the worker's stderr.</summary>
    public string? Detail { get; }

    /// <summary>Cuts each text to its bound; of the detail the end is kept where it is a log's tail.</summary>
    public static AttemptError Create(
        AttemptErrorKind kind, string type, string message, string? detail = null, bool keepDetailEnd = false) =>
        new(
            kind,
            BoundedText.Head(type, MaxTypeChars),
            BoundedText.Head(message, MaxMessageChars),
            detail is null ? null
                : keepDetailEnd ? BoundedText.Tail(detail, MaxDetailChars)
                : BoundedText.Head(detail, MaxDetailChars));
}

namespace Gristmill.Grains.Handlers;

/// <summary>
/// How an attempt ended, as a value: exactly one of <see cref="Completed"/>, <see cref="Failed"/> and
/// <see cref="Cancelled"/>. Exceptions become one of these once, in the runner.
/// </summary>
internal abstract record AttemptResult
{
    private AttemptResult()
    {
    }

    /// <summary>The work was done. The bytes are one JSON value in UTF-8; empty means that there is no result.</summary>
    internal sealed record Completed(ReadOnlyMemory<byte> ResultJson) : AttemptResult
    {
        public static readonly Completed WithoutResult = new(ReadOnlyMemory<byte>.Empty);
    }

    /// <summary>The attempt failed; the job's policy decides what comes next.</summary>
    internal sealed record Failed(AttemptError Error) : AttemptResult;

    /// <summary>The attempt ended because its token was cancelled; the caller knows why it did so.</summary>
    internal sealed record Cancelled : AttemptResult
    {
        public static readonly Cancelled Instance = new();

        private Cancelled()
        {
        }
    }

    public static AttemptResult Failure(
        AttemptErrorKind kind, string type, string message, string? detail = null) =>
        new Failed(AttemptError.Create(kind, type, message, detail));
}

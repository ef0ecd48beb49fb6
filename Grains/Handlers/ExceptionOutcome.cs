using System.Text.Json;

namespace Gristmill.Grains.Handlers;

/// <summary>What an exception means for an attempt.</summary>
internal static class ExceptionOutcome
{
    /// <summary>How deep causes are followed; deeper ones do not change what is done.</summary>
    private const int MaxDepth = 8;

    private static readonly string[] OutOfMemoryTexts = ["CUDA out of memory", "CUDA error: out of memory"];

    /// <summary>An exception that the handler threw.</summary>
    public static AttemptResult Of(Exception error, CancellationToken cancellationToken)
    {
        var thrown = error is AggregateException { InnerExceptions: [{ } only] } ? only : error;
        if (thrown is OperationCanceledException && cancellationToken.IsCancellationRequested)
        {
            return AttemptResult.Cancelled.Instance;
        }

        return AttemptResult.Failure(KindOf(thrown), TypeName(thrown), thrown.Message, thrown.ToString());
    }

    /// <summary>An exception from reading the payload: the handler was never called, and trying again cannot help.</summary>
    public static AttemptResult OfPayload(Exception error, Type payloadType)
    {
        var path = error is JsonException { Path: { } known } ? known : "$";
        var message = error.Message.Contains("Path: ", StringComparison.Ordinal)
            ? error.Message
            : $"{error.Message} Path: {path}.";
        return AttemptResult.Failure(
            AttemptErrorKind.Fatal, "InvalidPayload", $"The payload cannot be read as {payloadType}: {message}");
    }

    /// <summary>True for the texts by which CUDA, and what is built on it, says that a device's memory is not enough.</summary>
    public static bool SaysOutOfMemory(string? text) =>
        text is not null && OutOfMemoryTexts.Any(known => text.Contains(known, StringComparison.OrdinalIgnoreCase));

    private static AttemptErrorKind KindOf(Exception error) => error switch
    {
        JobFailedException { Kind: JobFailureKind.Fatal } => AttemptErrorKind.Fatal,
        JobFailedException { Kind: JobFailureKind.OutOfMemory } => AttemptErrorKind.OutOfMemory,
        _ => IsOutOfMemory(error, MaxDepth) ? AttemptErrorKind.OutOfMemory : AttemptErrorKind.Retry,
    };

    private static bool IsOutOfMemory(Exception? error, int depth) =>
        error is not null && depth > 0 &&
        (error is OutOfMemoryException || SaysOutOfMemory(error.Message) ||
        (error is AggregateException several
            ? several.InnerExceptions.Any(inner => IsOutOfMemory(inner, depth - 1))
            : IsOutOfMemory(error.InnerException, depth - 1)));

    private static string TypeName(Exception error) => error.GetType().FullName ?? error.GetType().Name;
}

using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Gristmill.Grains.Handlers;

/// <summary>Writes a handler's result as JSON once, into its final form, and stops at the bound instead of past it.</summary>
internal sealed class ResultWriter<TResult>(JsonTypeInfo<TResult> typeInfo, int maxBytes)
{
    public AttemptResult Write(TResult result)
    {
        if (result is null or JsonElement { ValueKind: JsonValueKind.Undefined })
        {
            return AttemptResult.Completed.WithoutResult;
        }

        var buffer = ResultBuffer.ForThisThread(maxBytes);
        try
        {
            JsonSerializer.Serialize(buffer.Writer, result, typeInfo);
            buffer.Writer.Flush();
            return buffer.IsNull ? AttemptResult.Completed.WithoutResult : new AttemptResult.Completed(buffer.ToArray());
        }
        catch (ResultTooLargeException)
        {
            return ResultBounds.TooLarge(maxBytes);
        }
        catch (Exception error)
        {
            return AttemptResult.Failure(
                AttemptErrorKind.Fatal, "InvalidResult", $"The result, a {typeof(TResult)}, cannot be written as JSON: {error.Message}");
        }
        finally
        {
            buffer.Release();
        }
    }
}

/// <summary>The message of a result past its bound, the same for handlers and workers.</summary>
internal static class ResultBounds
{
    public static AttemptResult TooLarge(int maxBytes) => AttemptResult.Failure(
        AttemptErrorKind.Fatal, "ResultTooLarge",
        $"The result is larger than {maxBytes} bytes (Handlers:MaxResultBytes). Store it elsewhere and return where it is.");
}

internal sealed class ResultTooLargeException : Exception;

/// <summary>A thread's buffer and writer, used between two awaits and so never by two results at once.</summary>
internal sealed class ResultBuffer : IBufferWriter<byte>
{
    private const int KeptBytes = 64 * 1024;

    [ThreadStatic]
    private static ResultBuffer? _ofThisThread;

    private byte[] _bytes = new byte[1024];
    private int _written;
    private int _maxBytes;
    private bool _inUse;

    // Text in every language as it is: a result is data, and stands in no page.
    private ResultBuffer() => Writer = new Utf8JsonWriter(this, new JsonWriterOptions { SkipValidation = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    public Utf8JsonWriter Writer { get; }

    public bool IsNull => _bytes.AsSpan(0, _written).SequenceEqual("null"u8);

    public static ResultBuffer ForThisThread(int maxBytes)
    {
        var buffer = _ofThisThread ??= new ResultBuffer();
        if (buffer._inUse)
        {
            // A converter that runs another handler's result through here; it gets a buffer of its own.
            buffer = new ResultBuffer();
        }

        buffer._inUse = true;
        buffer._maxBytes = maxBytes;
        return buffer;
    }

    public byte[] ToArray() => _bytes.AsSpan(0, _written).ToArray();

    public void Release()
    {
        _written = 0;
        _inUse = false;
        if (_bytes.Length > KeptBytes)
        {
            _bytes = new byte[1024];
        }

        Writer.Reset(this);
    }

    public void Advance(int count)
    {
        if (count > _maxBytes - _written)
        {
            throw new ResultTooLargeException();
        }

        _written += count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        var needed = Math.Max(sizeHint, 256);
        if (_bytes.Length - _written < needed)
        {
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, checked(_written + needed)));
        }

        return _bytes.AsMemory(_written);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;
}

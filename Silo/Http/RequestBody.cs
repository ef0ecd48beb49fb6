using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;

namespace Gristmill.Silo.Http;

/// <summary>Reads a JSON body within a bound.</summary>
internal static class RequestBody
{
    // The body wraps the payload, which has its own bound of depth.
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 80 };

    private const int MostAhead = 64 * 1024;
    private const long MostPassedOver = 8 * 1024 * 1024;
    private static readonly TimeSpan LongestPassedOver = TimeSpan.FromSeconds(5);

    /// <summary>The body as JSON; the caller disposes it.</summary>
    /// <param name="context">The request.</param>
    /// <param name="maxBytes">The largest body.</param>
    /// <param name="optional">Whether there may be none; then null is returned.</param>
    /// <param name="option">The option that says the bound; null where none does.</param>
    /// <exception cref="ApiProblemException">It is no JSON, encoded, or too large.</exception>
    public static async Task<JsonDocument?> ReadAsync(HttpContext context, long maxBytes, bool optional = false, string? option = null)
    {
        var request = context.Request;
        CheckEncoding(request.Headers.ContentEncoding.ToString());
        if (request.ContentLength > maxBytes)
        {
            await PassOverAsync(context);
            throw TooLarge(request.ContentLength, maxBytes, option);
        }

        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = maxBytes + 1;
        var body = await ReadBytesAsync(request, maxBytes, option, context.RequestAborted);
        if (body.Length == 0)
        {
            return optional ? null : throw new ApiProblemException(StatusCodes.Status400BadRequest, "malformed", "The body is not valid.", "The body is empty; JSON is expected.");
        }

        if (!request.HasJsonContentType())
        {
            throw new ApiProblemException(StatusCodes.Status415UnsupportedMediaType, "media_type", "The body's type is not known.", $"The Content-Type is '{request.ContentType}'; expected is application/json.", "Content-Type");
        }

        try
        {
            return JsonDocument.Parse(body, Options);
        }
        catch (JsonException e)
        {
            throw new ApiProblemException(StatusCodes.Status400BadRequest, "malformed", "The body is not valid.", $"The body is not JSON: {e.Message}");
        }
    }

    // Unpacking is left out on purpose: a small body could become any number of bytes.
    private static void CheckEncoding(string encoding)
    {
        if (encoding.Length == 0 || encoding.Equals("identity", StringComparison.OrdinalIgnoreCase)) return;
        throw new ApiProblemException(
            StatusCodes.Status415UnsupportedMediaType, "content_encoding", "The body's encoding is not taken.", $"The Content-Encoding is '{encoding}'; bodies are taken as they are, without one.", "Content-Encoding");
    }

    /// <summary>What a body says. Names and texts in it can be no Unicode, which is found when they are read.</summary>
    /// <exception cref="ApiProblemException">It is not what is expected.</exception>
    public static T Take<T>(JsonElement body, Func<JsonElement, T> read)
    {
        try
        {
            return read(body);
        }
        catch (InvalidOperationException)
        {
            throw new ApiProblemException(StatusCodes.Status400BadRequest, "bad_request", "The request is not valid.", "A text in the body is no valid Unicode.");
        }
    }

    // A caller who is still sending when the connection is closed sees that and not the answer. Who asked first sends nothing.
    private static async Task PassOverAsync(HttpContext context)
    {
        if (context.Request.ContentLength > MostPassedOver || context.Request.Headers.Expect.Count > 0) return;
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = MostPassedOver;
        using var over = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        over.CancelAfter(LongestPassedOver);
        try
        {
            await context.Request.Body.CopyToAsync(Stream.Null, over.Token);
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            // It comes too slowly to wait for.
        }
    }

    private static async Task<ReadOnlyMemory<byte>> ReadBytesAsync(HttpRequest request, long maxBytes, string? option, CancellationToken cancellationToken)
    {
        // What a header promises is not yet there.
        var buffer = new MemoryStream((int)Math.Min(request.ContentLength ?? 0, Math.Min(maxBytes, MostAhead)));
        var chunk = new byte[16 * 1024];
        try
        {
            while (await request.Body.ReadAsync(chunk, cancellationToken) is > 0 and var count)
            {
                if (buffer.Length + count > maxBytes) throw TooLarge(null, maxBytes, option);
                buffer.Write(chunk, 0, count);
            }
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            throw TooLarge(null, maxBytes, option);
        }

        return buffer.GetBuffer().AsMemory(0, (int)buffer.Length);
    }

    private static ApiProblemException TooLarge(long? length, long maxBytes, string? option) => new(
        StatusCodes.Status413PayloadTooLarge, "too_large", "The body is too large.",
        $"The body has {(length is { } bytes ? $"{bytes}" : $"more than {maxBytes}")} bytes; at most {maxBytes} are taken{(option is null ? string.Empty : $" ({option})")}.");
}

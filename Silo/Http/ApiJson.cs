using System.Text.Encodings.Web;
using System.Text.Json;

namespace Gristmill.Silo.Http;

/// <summary>How answers are written: camelCase, and text in every language as it is, since no answer is HTML.</summary>
internal static class ApiJson
{
    public static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.Web)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        MaxDepth = ReadableElements.MaxDepth,
        Converters = { new ReadableElements() },
    };

    public static JsonSerializerOptions Indented { get; } = new(Options) { WriteIndented = true };

    public static IResult Ok<T>(T value, int status = StatusCodes.Status200OK) => new Answer<T>(value, status, "application/json; charset=utf-8");

    /// <summary>The same, of another type.</summary>
    public static IResult Of<T>(T value, int status, string contentType) => new Answer<T>(value, status, contentType);

    // Written as a whole: what fails on the way must not leave half a body behind it, and is nothing of the request's.
    private sealed class Answer<T>(T value, int status, string contentType) : IResult, IStatusCodeHttpResult, IValueHttpResult
    {
        public int? StatusCode => status;

        public object? Value => value;

        public async Task ExecuteAsync(HttpContext httpContext)
        {
            var body = JsonSerializer.SerializeToUtf8Bytes(value, Options);
            var response = httpContext.Response;
            (response.StatusCode, response.ContentType, response.ContentLength) = (status, contentType, body.Length);
            await response.Body.WriteAsync(body, httpContext.RequestAborted);
        }
    }
}

using System.Text.Json;

namespace Gristmill.Silo.Tests.Http;

/// <summary>
/// Compares each answer that a test gets with the OpenAPI document: its status is listed for the call, and its body is as
/// the schema says. What fails comes with a problem, whatever was called.
/// </summary>
internal sealed class ApiContract : DelegatingHandler
{
    private const string DocumentPath = "/openapi/v1.json";
    private readonly Lazy<Task<JsonElement>> _document;

    public ApiContract()
        : base(new SocketsHttpHandler()) => _document = new(ReadAsync);

    /// <summary>The host.</summary>
    public required Uri Address { get; init; }

    /// <summary>The document.</summary>
    public Task<JsonElement> DocumentAsync() => _document.Value;

    /// <summary>What contradicts the document; null for nothing.</summary>
    public static string? Fault(JsonElement document, string method, string path, int status, string? mediaType, string body)
    {
        var name = $"{method} {path}: {status}";
        if (status >= 400 && !(mediaType == "application/problem+json" || path == "/health/ready")) return $"{name} is no problem, but {mediaType}: {body}";
        if (Find(document, method, path) is not { } call)
        {
            return status is 400 or 401 or 403 or 404 or 405 ? new JsonSchema(document).Fault(Schema(document, "Problem"), Parse(body)) : $"{name}, and the document has no such call";
        }

        if (!call.GetProperty("responses").TryGetProperty($"{status}", out var response)) return status == 405 ? null : $"{name} is not in the document";
        if (!response.TryGetProperty("content", out var content)) return body.Length == 0 ? null : $"{name} has a body, and the document none";
        if (mediaType is null || !content.TryGetProperty(mediaType, out var media)) return $"{name} is {mediaType}, and not in the document";
        if (!mediaType.EndsWith("json", StringComparison.Ordinal)) return null;
        return new JsonSchema(document).Fault(media.GetProperty("schema"), Parse(body)) is { } fault ? $"{name}: {fault}" : null;
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken);
        if (request.Method == HttpMethod.Options || request.RequestUri!.AbsolutePath.StartsWith("/docs", StringComparison.Ordinal)) return response;
        var media = response.Content.Headers.ContentType?.MediaType;
        var body = string.Empty;
        if (media != "text/event-stream")
        {
            await response.Content.LoadIntoBufferAsync(cancellationToken);
            body = await response.Content.ReadAsStringAsync(cancellationToken);
        }

        var fault = Fault(await _document.Value, request.Method.Method, request.RequestUri.AbsolutePath, (int)response.StatusCode, media, body);
        Assert.True(fault is null, fault);
        return response;
    }

    private static JsonElement Schema(JsonElement document, string name) => document.GetProperty("components").GetProperty("schemas").GetProperty(name);

    private static JsonElement Parse(string body) => JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = 512 }).RootElement;

    // The call that the routing takes: words that stand as they are go before those that stand for anything.
    private static JsonElement? Find(JsonElement document, string method, string path)
    {
        var parts = path.Split('/');
        var found = document.GetProperty("paths").EnumerateObject()
            .Where(p => p.Value.TryGetProperty(method.ToLowerInvariant(), out _) && Matches(p.Name.Split('/'), parts))
            .OrderBy(p => p.Name.Count(c => c == '{')).ToList();
        return found.Count == 0 ? null : found[0].Value.GetProperty(method.ToLowerInvariant());
    }

    private static bool Matches(string[] template, string[] parts) =>
        template.Length == parts.Length && template.Zip(parts).All(p => p.First.StartsWith('{') || p.First.Equals(p.Second, StringComparison.OrdinalIgnoreCase));

    private async Task<JsonElement> ReadAsync()
    {
        using var http = new HttpClient { BaseAddress = Address };
        return Parse(await http.GetStringAsync(DocumentPath));
    }
}

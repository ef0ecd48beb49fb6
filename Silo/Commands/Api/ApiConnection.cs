using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using Gristmill.Silo.Http;

namespace Gristmill.Silo.Commands.Api;

/// <summary>
/// Calls of the HTTP API: one request, one JSON answer, or an <see cref="ApiRefusal"/>. Every call is bounded in time and in
/// bytes. Names stand in paths so that no part between here and the call takes them for something else: "..", "/" and "%"
/// are ids like others.
/// </summary>
internal sealed class ApiConnection(ApiAddress address, TimeProvider clock) : IDisposable
{
    /// <summary>The most that a call which moves many may take.</summary>
    public static readonly TimeSpan Long = TimeSpan.FromMinutes(30);

    /// <summary>The most that any other call may take.</summary>
    public static readonly TimeSpan Short = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(5);

    // A page of 1,000 dead letters of 256 KiB.
    private const int MaxAnswerBytes = 256 * 1024 * 1024;

    private readonly HttpClient _http = Make(address);

    /// <summary>Where the API is.</summary>
    public Uri Url => address.Url;

    /// <summary>The clock of waits.</summary>
    public TimeProvider Clock => clock;

    /// <summary>Gets JSON.</summary>
    public Task<T> GetAsync<T>(string path, CancellationToken cancellationToken) => SendAsync<T>(HttpMethod.Get, path, default, Short, cancellationToken);

    /// <summary>Posts, with a body of JSON or none.</summary>
    public Task<T> PostAsync<T>(string path, ReadOnlyMemory<byte> json, CancellationToken cancellationToken, TimeSpan? limit = null) =>
        SendAsync<T>(HttpMethod.Post, path, json, limit ?? Short, cancellationToken);

    /// <summary>One call. An answer without a body is the default of <typeparamref name="T"/>.</summary>
    /// <exception cref="ApiRefusal">It was refused.</exception>
    /// <exception cref="ApiUnavailableException">There was no answer.</exception>
    public async Task<T> SendAsync<T>(HttpMethod method, string path, ReadOnlyMemory<byte> json, TimeSpan limit, CancellationToken cancellationToken) =>
        (await SendWithStatusAsync<T>(method, path, json, limit, cancellationToken)).Value;

    /// <summary>As <see cref="SendAsync{T}"/>, with the status of the answer.</summary>
    public async Task<(HttpStatusCode Status, T Value)> SendWithStatusAsync<T>(
        HttpMethod method, string path, ReadOnlyMemory<byte> json, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var over = new CancellationTokenSource(limit, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, over.Token);
        try
        {
            using var request = Request(method, path);
            if (!json.IsEmpty) request.Content = new ReadOnlyMemoryContent(json) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
            using var response = await _http.SendAsync(request, either.Token);
            var body = await response.Content.ReadAsByteArrayAsync(either.Token);
            var type = response.Content.Headers.ContentType?.MediaType;
            if (!response.IsSuccessStatusCode || (body.Length > 0 && type != "application/json")) throw ApiRefusal.Read(Url, response.StatusCode, type, body);
            return (response.StatusCode, body.Length == 0 ? default! : JsonSerializer.Deserialize<T>(body, ApiJson.Options)!);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Late(over.IsCancellationRequested ? limit : ConnectLimit);
        }
        catch (HttpRequestException e)
        {
            throw Unavailable(e);
        }
        catch (JsonException e)
        {
            throw new ApiUnavailableException(Url, $"gave an answer that cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Opens a stream of server-sent events; it ends when the answer is disposed.</summary>
    /// <returns>The answer; null when there are no more events after the last id.</returns>
    /// <exception cref="ApiRefusal">It was refused.</exception>
    /// <exception cref="ApiUnavailableException">There was no answer.</exception>
    public async Task<HttpResponseMessage?> OpenAsync(string path, string? lastEventId, CancellationToken cancellationToken)
    {
        using var request = Request(HttpMethod.Get, path);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        if (lastEventId is not null) request.Headers.TryAddWithoutValidation("Last-Event-ID", lastEventId);
        using var over = new CancellationTokenSource(Short, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, over.Token);
        try
        {
            var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            if (response.StatusCode == HttpStatusCode.OK && response.Content.Headers.ContentType?.MediaType == "text/event-stream") return response;
            using (response)
            {
                if (response.StatusCode == HttpStatusCode.NoContent) return null;
                var body = await response.Content.ReadAsByteArrayAsync(either.Token);
                throw ApiRefusal.Read(Url, response.StatusCode, response.Content.Headers.ContentType?.MediaType, body);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Late(over.IsCancellationRequested ? Short : ConnectLimit);
        }
        catch (HttpRequestException e)
        {
            throw Unavailable(e);
        }
    }

    /// <summary>The path of some parts, each escaped so that it stays one part.</summary>
    public static string Path(params ReadOnlySpan<string> parts)
    {
        var path = "/api";
        foreach (var part in parts) path += "/" + (part is "." or ".." ? part.Replace(".", "%2E", StringComparison.Ordinal) : Uri.EscapeDataString(part));
        return path;
    }

    /// <summary>A path with the values that are not null as its query.</summary>
    public static string Query(string path, params ReadOnlySpan<(string Name, string? Value)> values)
    {
        var separator = '?';
        foreach (var (name, value) in values)
        {
            if (value is null) continue;
            path += $"{separator}{name}={Uri.EscapeDataString(value)}";
            separator = '&';
        }

        return path;
    }

    public void Dispose() => _http.Dispose();

    private ApiUnavailableException Late(TimeSpan limit) => new(Url, $"did not answer within {limit.TotalSeconds:0} s.");

    private ApiUnavailableException Unavailable(HttpRequestException error) => error.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded
        ? new ApiUnavailableException(Url, $"gave an answer of more than {MaxAnswerBytes} bytes; ask for less with --limit.", error)
        : new ApiUnavailableException(Url, $"does not answer: {error.InnerException?.Message ?? error.Message}", error);

    // The address as it stands: .NET would take a part ".." for a step back, escaped or not.
    private HttpRequestMessage Request(HttpMethod method, string path) => new(
        method, new Uri(address.Url.GetLeftPart(UriPartial.Path).TrimEnd('/') + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));

    private static HttpClient Make(ApiAddress address)
    {
        var http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            ConnectCallback = ConnectAsync,
            ConnectTimeout = ConnectLimit,
            UseCookies = false,
        })
        {
            MaxResponseContentBufferSize = MaxAnswerBytes,

            // Each call has its own.
            Timeout = Timeout.InfiniteTimeSpan,
        };
        http.DefaultRequestHeaders.UserAgent.ParseAdd("gristmill");
        if (address.Key is { } key) http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return http;
    }

    // With keep-alive: a stream of events whose other end is gone without a word would be waited for for ever.
    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 20);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 5);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 3);
            await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

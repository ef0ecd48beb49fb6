using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;

namespace Gristmill.Redis;

/// <summary>
/// Makes links: finds the endpoint, connects, TLS, handshake, all within the connect timeout. Used by the pipeline, the
/// subscriptions and for dedicated connections alike. Whatever goes wrong comes out as
/// <see cref="RedisUnavailableException"/> with the cause inside.
/// </summary>
internal sealed class RedisConnector(RedisOptions options, IEndpointSource endpoints, TimeProvider time)
{
    public RedisOptions Options => options;

    public async ValueTask<RedisLink> OpenAsync(CancellationToken cancellationToken)
    {
        var place = RedisUrl.Endpoint(options.Host, options.Port);
        using var limit = new CancellationTokenSource(options.ConnectTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            var endpoint = await endpoints.FindAsync(either.Token).ConfigureAwait(false);
            place = endpoint.ToString();
            return await OpenAsync(endpoint, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Unreachable(place, new TimeoutException(
                $"no answer within {nameof(options.ConnectTimeout)}, {options.ConnectTimeout.TotalMilliseconds:0} ms"));
        }
        catch (Exception e) when (e is SocketException or IOException or AuthenticationException or RedisException
            or CryptographicException or ObjectDisposedException or UnauthorizedAccessException)
        {
            throw Unreachable(place, e);
        }
    }

    /// <summary>Whether trying again cannot help until somebody changes the configuration here or there.</summary>
    public static bool IsHopeless(Exception error) => error.InnerException is AuthenticationException
        or RedisServerException { Code: RedisErrorCode.WrongPass or RedisErrorCode.NoAuth or RedisErrorCode.NoPermission };

    public static RedisUnavailableException Unreachable(string place, Exception? cause) => cause is RedisUnavailableException unavailable
        ? Unreachable(place, unavailable.InnerException)
        : new RedisUnavailableException(
            cause is RedisServerException
                ? $"Redis at {place} refuses this client: {cause.Message}"
                : $"Redis is not reachable at {place} (last error: {cause?.Message ?? "none yet, still connecting"})", cause);

    private async ValueTask<RedisLink> OpenAsync(RedisEndpoint endpoint, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        RedisLink? link = null;
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            await socket.ConnectAsync(endpoint.Host, endpoint.Port, cancellationToken).ConfigureAwait(false);
            Stream stream = new NetworkStream(socket, ownsSocket: false);
            if (options.Tls)
            {
                var secure = new SslStream(stream);
                await secure.AuthenticateAsClientAsync(TlsSettings.Create(options, endpoint.Host), cancellationToken).ConfigureAwait(false);
                stream = secure;
            }

            link = new RedisLink(socket, stream, endpoint, options);
            await Handshake.RunAsync(link, options, cancellationToken).ConfigureAwait(false);
            return link;
        }
        catch
        {
            link?.Dispose();
            socket.Dispose();
            throw;
        }
    }
}

using System.Buffers;
using System.Text;
using Microsoft.AspNetCore.Http.Features;

namespace Gristmill.Silo.Http;

/// <summary>
/// Paths of the API as they were sent. An id may be any text: the server's own reading of a path would decode "%2F" or not,
/// take "." and ".." for steps, and so let one id mean another job or all of them. So the calls are matched against the raw
/// parts between the slashes, each of which is decoded exactly once, when its call is known.
/// </summary>
internal static class PathValues
{
    private const string Root = "/api";
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Puts the raw path in place of the decoded one, for all that is the API's by either. Stands before the routing.</summary>
    public static Task UseRawAsync(HttpContext context, RequestDelegate next)
    {
        var raw = RawPath(context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget);
        if (!IsOfApi(raw) && !IsOfApi(context.Request.Path.Value ?? string.Empty)) return next(context);
        if (raw.Contains("//", StringComparison.Ordinal) || raw.EndsWith('/'))
        {
            // The routing passes over empty parts: a call for one job whose id is empty would become one for all.
            return ApiProblems.Problem(
                StatusCodes.Status400BadRequest, "bad_request", "The request is not valid.", "The path has an empty part; was an id left out?").ExecuteAsync(context);
        }

        context.Request.Path = new PathString(raw);
        return next(context);
    }

    /// <summary>Decodes what the routing found in the path, before the call gets it.</summary>
    public static void DecodeForCalls(EndpointBuilder endpoint)
    {
        var call = endpoint.RequestDelegate!;
        endpoint.RequestDelegate = context =>
        {
            var values = context.Request.RouteValues;
            foreach (var (name, value) in values.ToArray())
            {
                if (Decode((string)value!) is not { } text)
                {
                    return ApiProblems.Problem(
                        StatusCodes.Status400BadRequest, "invalid_field", "A field is not valid.", $"The {name} in the path is no valid escaped UTF-8.", name).ExecuteAsync(context);
                }

                values[name] = text;
            }

            return call(context);
        };
    }

    // The part of the target that is the path; some clients send the whole address.
    private static string RawPath(string target)
    {
        var end = target.AsSpan().IndexOfAny('?', '#');
        var path = end < 0 ? target : target[..end];
        if (path.StartsWith('/')) return path;
        var host = path.IndexOf("://", StringComparison.Ordinal);
        var slash = host < 0 ? -1 : path.IndexOf('/', host + 3);
        return slash < 0 ? "/" : path[slash..];
    }

    private static bool IsOfApi(string path) =>
        path.StartsWith(Root, StringComparison.OrdinalIgnoreCase) && (path.Length == Root.Length || path[Root.Length] == '/');

    // Null when an escape is none, or when it is no UTF-8.
    private static string? Decode(string segment)
    {
        if (!segment.Contains('%', StringComparison.Ordinal)) return segment;
        var bytes = new ArrayBufferWriter<byte>(segment.Length);
        for (var i = 0; i < segment.Length; i++)
        {
            var value = (int)segment[i];
            if (value == '%')
            {
                if (i + 2 >= segment.Length || !char.IsAsciiHexDigit(segment[i + 1]) || !char.IsAsciiHexDigit(segment[i + 2])) return null;
                value = Convert.FromHexString(segment.AsSpan(i + 1, 2))[0];
                i += 2;
            }

            if (value > byte.MaxValue) return null;
            bytes.GetSpan(1)[0] = (byte)value;
            bytes.Advance(1);
        }

        try
        {
            return Strict.GetString(bytes.WrittenSpan);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}

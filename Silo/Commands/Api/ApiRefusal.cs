using System.Net;
using System.Text.Json;

namespace Gristmill.Silo.Commands.Api;

/// <summary>
/// What the API refused, as its problem details (RFC 9457) say it. The files of this folder make of it what the client of
/// the store would have said; what is left over is explained here.
/// </summary>
internal sealed class ApiRefusal(Uri api, int status, string code, string detail, string? @field) : Exception(detail)
{
    private const string TypePrefix = "urn:gristmill:";

    /// <summary>The HTTP status.</summary>
    public int Status => status;

    /// <summary>The stable word of the problem; empty when the answer was none of Gristmill's.</summary>
    public string Code => code;

    /// <summary>The field that is wrong; null for none.</summary>
    public string? Field => @field;

    /// <summary>Whether the same call may be answered a moment later.</summary>
    public bool MayPass => status is 429 or >= 500;

    /// <summary>Reads a refusal; whatever it is, something can be said of it.</summary>
    public static ApiRefusal Read(Uri api, HttpStatusCode status, string? mediaType, ReadOnlySpan<byte> body)
    {
        try
        {
            if (mediaType is "application/problem+json" or "application/json" && JsonSerializer.Deserialize<Problem>(body, JsonSerializerOptions.Web) is { Detail: { } detail } problem)
            {
                var code = problem.Type?.StartsWith(TypePrefix, StringComparison.Ordinal) == true ? problem.Type[TypePrefix.Length..] : string.Empty;
                return new ApiRefusal(api, (int)status, code, detail, problem.Field);
            }
        }
        catch (JsonException)
        {
            // Said below.
        }

        return new ApiRefusal(api, (int)status, string.Empty, $"{api} answered {(int)status} ({mediaType ?? "no text"}), which is no answer of Gristmill's API.", null);
    }

    /// <summary>The error of a command.</summary>
    public CommandException Explain() => status switch
    {
        401 => new CommandException(Message, $"Give an access key: in {ApiAddress.KeyVariable}, or --api-key-file FILE."),
        403 => new CommandException(Message, "The access key may not do this; take one that may."),
        _ when code.Length == 0 => new CommandException(Message, $"Is the address right (--api, {ApiAddress.Variable}), and is it a silo's?"),
        400 or 413 or 415 => CommandException.BadUsage(Message),
        503 => new CommandException(Message, $"The silo at {api} answers, but cannot do it now; its log says more."),
        _ => new CommandException(Message),
    };

    private sealed record Problem(string? Type, string? Detail, string? Field);
}

/// <summary>The API does not answer, or not in time.</summary>
internal sealed class ApiUnavailableException(Uri api, string why, Exception? inner = null) : Exception($"The API at {api} {why}", inner)
{
    /// <summary>The error of a command.</summary>
    public CommandException Explain() => new(Message, $"Is the address right (--api, {ApiAddress.Variable}), and a silo up there? Its address is its option Url.");
}

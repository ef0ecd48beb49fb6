using System.Text.Json;
using Microsoft.Extensions.Options;

namespace Gristmill.Grains.Handlers;

/// <summary>How handlers are found, and what binds their payloads and results.</summary>
public sealed class HandlerOptions
{
    /// <summary>
    /// The largest result, in bytes of JSON, of a handler or worker; a larger one fails the job for good.
    /// Default 1 MiB; from 1 KiB to 64 MiB.
    /// </summary>
    public int MaxResultBytes { get; set; } = 1024 * 1024;

    /// <summary>
    /// How payloads are read and results written. Default: results in camelCase; members of payloads in any case, and a member without a
    /// default that cannot be null must be there. Payloads may also write names in snake_case.
    /// </summary>
    public JsonSerializerOptions SerializerOptions { get; set; } = HandlerJson.CreateOptions();
}

/// <summary>Refuses bounds that cannot work; each message names the option, its value and the bound.</summary>
internal sealed class HandlerOptionsValidator : IValidateOptions<HandlerOptions>
{
    private const int MinResultBytes = 1024;
    private const int MaxResultBytes = 64 * 1024 * 1024;

    public ValidateOptionsResult Validate(string? name, HandlerOptions options)
    {
        List<string> errors = [];
        if (options.MaxResultBytes is < MinResultBytes or > MaxResultBytes)
        {
            errors.Add(
                $"Handlers:MaxResultBytes is {options.MaxResultBytes}; it must be from {MinResultBytes} to {MaxResultBytes}.");
        }

        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }
}

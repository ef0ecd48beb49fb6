using System.Text.Json;
using Microsoft.Extensions.Options;

namespace Gristmill.Grains.Handlers;

/// <summary>How handlers are found, and what binds their payloads and results.</summary>
public sealed class HandlerOptions
{
    /// <summary>Assemblies with handlers that the silo's program does not reference. Default: none.</summary>
    public IList<HandlerPlugin> Plugins { get; } = [];

    /// <summary>
    /// The largest result, in bytes of JSON, of a handler or worker; a larger one fails the job for good.
    /// Default 1 MiB; from 1 KiB to 64 MiB.
    /// </summary>
    public int MaxResultBytes { get; set; } = 1024 * 1024;

    /// <summary>How payloads are read and results written. Default: web defaults (camelCase, names in any case).</summary>
    public JsonSerializerOptions SerializerOptions { get; set; } = new(JsonSerializerDefaults.Web);
}

/// <summary>One assembly to take handlers from, loaded apart with the dependencies that lie beside it.</summary>
public sealed class HandlerPlugin
{
    /// <summary>The path of the assembly's file; relative ones start at the program's folder.</summary>
    public string Path { get; set; } = "";

    /// <summary>Full names of the handlers to take. Default: every class with <see cref="JobHandlerAttribute"/>.</summary>
    public IList<string> Types { get; } = [];
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

        for (var i = 0; i < options.Plugins.Count; i++)
        {
            if (string.IsNullOrWhiteSpace(options.Plugins[i].Path))
            {
                errors.Add($"Handlers:Plugins:{i}:Path is '{options.Plugins[i].Path}'; it must name an assembly's file.");
            }
        }

        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }
}

using Gristmill.Grains.Handlers;
using Gristmill.Grains.Options;
using Microsoft.Extensions.Options;

namespace Gristmill.Silo.Hosting;

/// <summary>Loads the assemblies of the option HandlerAssemblies: their handlers, and what these need.</summary>
internal static class HandlerAssemblies
{
    /// <exception cref="OptionsValidationException">One cannot be used; the message names its option.</exception>
    public static void AddTo(IServiceCollection services, IReadOnlyList<string> files, IConfiguration configuration)
    {
        for (var i = 0; i < files.Count; i++)
        {
            try
            {
                HandlerAssembly.Add(services, files[i], configuration);
            }
            catch (RunnerStartException error)
            {
                throw new OptionsValidationException(
                    GristmillOptions.Section, typeof(GristmillOptions), [$"{GristmillOptions.Section}:{nameof(GristmillOptions.HandlerAssemblies)}:{i} is '{files[i]}': {error.Message}"]);
            }
        }
    }
}

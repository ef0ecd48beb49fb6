using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Gristmill.Grains.Handlers;

/// <summary>
/// Registers what the handlers of an assembly need in their constructors. A class with a public constructor without parameters that
/// implements it, in an assembly of <c>HandlerAssemblies</c>, is called once, when the silo starts.
/// </summary>
public interface IHandlerServices
{
    /// <summary>Adds services.</summary>
    /// <param name="services">The silo's services.</param>
    /// <param name="configuration">The silo's configuration: appsettings.json, the environment and the command line.</param>
    void Add(IServiceCollection services, IConfiguration configuration);
}

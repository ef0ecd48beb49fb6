using System.Reflection;
using System.Runtime.Loader;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Gristmill.Grains.Handlers;

/// <summary>
/// An assembly with handlers that the silo's program does not reference. Loaded once, when the silo starts: its classes with
/// <see cref="JobHandlerAttribute"/> are the handlers, its classes that implement <see cref="IHandlerServices"/> register what these
/// need. Every way it can fail ends in a message that names the file.
/// </summary>
internal static class HandlerAssembly
{
    /// <summary>Registers the handlers of an assembly, and what they need.</summary>
    /// <param name="services">The silo's services.</param>
    /// <param name="file">The assembly's file; a relative one starts at the current folder.</param>
    /// <param name="configuration">The silo's configuration.</param>
    /// <exception cref="RunnerStartException">The assembly cannot be used.</exception>
    public static void Add(IServiceCollection services, string file, IConfiguration configuration)
    {
        var path = Path.GetFullPath(file);
        try
        {
            if (!File.Exists(path)) throw new FileNotFoundException("there is no such file.");
            var types = new LoadContext(path).LoadFromAssemblyPath(path).GetTypes();
            foreach (var handler in HandlersOf(types)) services.AddSingleton(handler);
            foreach (var type in types.Where(t => t is { IsClass: true, IsAbstract: false } && t.IsAssignableTo(typeof(IHandlerServices))))
            {
                Instance(type).Add(services, configuration);
            }
        }
        catch (Exception error) when (error is BadImageFormatException or FileLoadException or FileNotFoundException
            or TypeLoadException or ReflectionTypeLoadException or ArgumentException)
        {
            throw new RunnerStartException($"The assembly {path} cannot be used: {Explain(error)}", error);
        }
    }

    private static List<HandlerRegistration> HandlersOf(Type[] types)
    {
        var found = types.Where(type => type.IsDefined(typeof(JobHandlerAttribute), inherit: false)).Select(Register).ToList();
        return found.Count > 0 ? found : throw new ArgumentException("no class in it has [JobHandler].");
    }

    private static HandlerRegistration Register(Type type)
    {
        var attribute = type.GetCustomAttribute<JobHandlerAttribute>()!;
        return HandlerRegistration.Create(attribute.Name, type, attribute.Lifetime);
    }

    private static IHandlerServices Instance(Type type) => type.GetConstructor(Type.EmptyTypes) is { } make
        ? (IHandlerServices)make.Invoke(BindingFlags.DoNotWrapExceptions, null, null, null)
        : throw new ArgumentException($"{type} implements {nameof(IHandlerServices)} and needs a public constructor without parameters.");

    private static string Explain(Exception error) =>
        error is ReflectionTypeLoadException { LoaderExceptions: [{ } first, ..] } ? first.Message : error.Message;

    /// <summary>
    /// Loads the assembly's dependencies from its own folder, but takes what its contract with the silo is made of from
    /// the silo: a second copy of those types would be other types.
    /// </summary>
    private sealed class LoadContext(string path) : AssemblyLoadContext($"handlers {path}")
    {
        private static readonly HashSet<string?> Shared =
        [
            .. new[] { typeof(IJobHandler<,>), typeof(ILogger), typeof(IServiceCollection), typeof(IOptions<>), typeof(IConfiguration), typeof(IHostedService) }
                .Select(type => type.Assembly.GetName().Name),
        ];

        private readonly AssemblyDependencyResolver _resolver = new(path);

        protected override Assembly? Load(AssemblyName assemblyName) =>
            !Shared.Contains(assemblyName.Name) && _resolver.ResolveAssemblyToPath(assemblyName) is { } file
                ? LoadFromAssemblyPath(file)
                : null;

        protected override nint LoadUnmanagedDll(string unmanagedDllName) =>
            _resolver.ResolveUnmanagedDllToPath(unmanagedDllName) is { } file ? LoadUnmanagedDllFromPath(file) : 0;
    }
}

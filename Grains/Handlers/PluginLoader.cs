using System.Reflection;
using System.Runtime.Loader;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Gristmill.Grains.Handlers;

/// <summary>Takes the handlers out of a plug-in's assembly; every way it can fail ends in a message that names the file.</summary>
internal static class PluginLoader
{
    public static IEnumerable<HandlerRegistration> Load(HandlerPlugin plugin)
    {
        var path = Path.GetFullPath(plugin.Path, AppContext.BaseDirectory);
        if (!File.Exists(path))
        {
            throw new RunnerStartException($"The plug-in '{plugin.Path}' is not there: no file {path}.");
        }

        try
        {
            var assembly = new PluginLoadContext(path).LoadFromAssemblyPath(path);
            return Choose(plugin, assembly).Select(Register).ToArray();
        }
        catch (Exception error) when (error is BadImageFormatException or FileLoadException or FileNotFoundException
            or TypeLoadException or ReflectionTypeLoadException or ArgumentException)
        {
            throw new RunnerStartException($"The plug-in {path} cannot be used: {Explain(error)}", error);
        }
    }

    private static List<Type> Choose(HandlerPlugin plugin, Assembly assembly)
    {
        var all = assembly.GetTypes().Where(type => type.IsDefined(typeof(JobHandlerAttribute), inherit: false)).ToList();
        if (plugin.Types.Count == 0)
        {
            return all.Count > 0 ? all : throw new ArgumentException("no class in it has [JobHandler].");
        }

        return [.. plugin.Types.Select(name => all.Find(type => type.FullName == name) ?? throw new ArgumentException(
            assembly.GetType(name) is null ? $"there is no type {name} in it." : $"its type {name} has no [JobHandler]."))];
    }

    private static HandlerRegistration Register(Type type)
    {
        var attribute = type.GetCustomAttribute<JobHandlerAttribute>()!;
        return HandlerRegistration.Create(attribute.Name, type, attribute.Lifetime);
    }

    private static string Explain(Exception error) =>
        error is ReflectionTypeLoadException { LoaderExceptions: [{ } first, ..] } ? first.Message : error.Message;

    /// <summary>
    /// Loads the plug-in's dependencies from its own folder, but takes what its contract with the silo is made of from
    /// the silo: a second copy of those types would be other types.
    /// </summary>
    private sealed class PluginLoadContext(string path) : AssemblyLoadContext($"plug-in {path}")
    {
        private static readonly HashSet<string?> Shared =
        [
            .. new[] { typeof(IJobHandler<,>), typeof(ILogger), typeof(IServiceCollection), typeof(IOptions<>) }
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

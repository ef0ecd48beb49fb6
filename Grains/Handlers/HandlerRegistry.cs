using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Gristmill.Grains.Handlers;

/// <summary>
/// Names → handlers: those of the program and those of the configured assemblies, read once when the silo starts.
/// Bridges ask it for the runner of their queue's handler.
/// </summary>
/// <remarks>Creating it throws <see cref="RunnerStartException"/> when a name is taken twice.</remarks>
internal sealed class HandlerRegistry
{
    private readonly IServiceProvider _services;
    private readonly HandlerOptions _options;
    private readonly ILoggerFactory _loggers;
    private readonly SortedDictionary<string, HandlerRegistration> _handlers = new(StringComparer.Ordinal);

    public HandlerRegistry(
        IServiceProvider services,
        IEnumerable<HandlerRegistration> registrations,
        IOptions<HandlerOptions> options,
        ILoggerFactory loggers)
    {
        _services = services;
        _options = options.Value;
        _loggers = loggers;
        foreach (var registration in registrations)
        {
            Add(registration);
        }
    }

    /// <summary>All names, sorted.</summary>
    public IReadOnlyCollection<string> Names => _handlers.Keys;

    public bool Contains(string name) => _handlers.ContainsKey(name);

    /// <summary>Why no handler of that name can run, for people; null when there is one.</summary>
    public string? Missing(string name)
    {
        if (_handlers.ContainsKey(name)) return null;
        var known = _handlers.Count == 0 ? "none is registered" : $"there are: {string.Join(", ", _handlers.Keys)}";
        return $"No job handler is named '{name}'; {known}. Give the assembly that has it (--handlers FILE.dll, or HandlerAssemblies), or a worker instead (--worker, or Worker:Command).";
    }

    /// <exception cref="RunnerStartException">No handler has that name; the message lists those there are.</exception>
    public HandlerRunner CreateRunner(string name)
    {
        if (Missing(name) is { } missing) throw new RunnerStartException(missing);
        var registration = _handlers[name];
        return new HandlerRunner(registration, HandlerInvoker.Create(registration.HandlerType, _options), _services, _loggers);
    }

    private void Add(HandlerRegistration registration)
    {
        if (!_handlers.TryAdd(registration.Name, registration))
        {
            var other = _handlers[registration.Name].HandlerType;
            throw new RunnerStartException(
                $"Two job handlers are named '{registration.Name}': {Describe(other)} and {Describe(registration.HandlerType)}.");
        }
    }

    private static string Describe(Type type) => $"{type.FullName} ({type.Assembly.GetName().Name})";
}

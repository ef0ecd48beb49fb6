using Microsoft.Extensions.DependencyInjection;

namespace Gristmill.Grains.Handlers;

/// <summary>Names a handler, so that scanning an assembly finds it.</summary>
/// <param name="name">The name that queues refer to.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class JobHandlerAttribute(string name) : Attribute
{
    /// <summary>The name that queues refer to.</summary>
    public string Name { get; } = name;

    /// <summary>
    /// Singleton (the default: one instance, nothing to create per job) or Scoped (an instance and a scope per job).
    /// </summary>
    public ServiceLifetime Lifetime { get; init; } = ServiceLifetime.Singleton;
}

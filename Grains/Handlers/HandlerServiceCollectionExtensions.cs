using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Gristmill.Grains.Handlers;

/// <summary>Registers job handlers.</summary>
public static class HandlerServiceCollectionExtensions
{
    /// <summary>Registers a handler under the name that queues refer to.</summary>
    /// <typeparam name="THandler">A class that implements <see cref="IJobHandler{TPayload,TResult}"/> once.</typeparam>
    /// <param name="services">The container's services.</param>
    /// <param name="name">The name, compared exactly. A name given twice is refused when the silo starts.</param>
    /// <param name="lifetime">
    /// Singleton (one instance, nothing to create per job) or Scoped (an instance and a scope per job). Where the class
    /// is registered already, its own registration stands.
    /// </param>
    /// <exception cref="ArgumentException">The name, the class or the lifetime does not fit.</exception>
    public static IServiceCollection AddJobHandler<THandler>(
        this IServiceCollection services, string name, ServiceLifetime lifetime = ServiceLifetime.Singleton)
        where THandler : class =>
        services.AddJobHandler(name, typeof(THandler), lifetime);

    /// <summary>Registers every class of an assembly that has <see cref="JobHandlerAttribute"/>.</summary>
    /// <param name="services">The container's services.</param>
    /// <param name="assembly">The assembly to look through.</param>
    /// <exception cref="ArgumentException">A class has the attribute and is no handler.</exception>
    public static IServiceCollection AddJobHandlers(this IServiceCollection services, Assembly assembly)
    {
        foreach (var type in assembly.GetTypes())
        {
            if (type.GetCustomAttribute<JobHandlerAttribute>() is { } attribute)
            {
                services.AddJobHandler(attribute.Name, type, attribute.Lifetime);
            }
        }

        return services;
    }

    /// <summary>Adds the registry alone, for silos whose handlers all come from configured assemblies.</summary>
    internal static IServiceCollection AddJobHandlerRegistry(this IServiceCollection services)
    {
        services.AddOptions<HandlerOptions>().ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<HandlerOptions>, HandlerOptionsValidator>());
        services.TryAddSingleton<HandlerRegistry>();
        return services;
    }

    private static IServiceCollection AddJobHandler(
        this IServiceCollection services, string name, Type handlerType, ServiceLifetime lifetime)
    {
        var own = services.LastOrDefault(service => !service.IsKeyedService && service.ServiceType == handlerType);
        var registration = HandlerRegistration.Create(name, handlerType, own?.Lifetime ?? lifetime);
        if (own is null)
        {
            services.Add(new ServiceDescriptor(handlerType, handlerType, lifetime));
        }

        return services.AddJobHandlerRegistry().AddSingleton(registration);
    }
}

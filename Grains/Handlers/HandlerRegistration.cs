using Microsoft.Extensions.DependencyInjection;

namespace Gristmill.Grains.Handlers;

/// <summary>One name that queues can refer to, and the class behind it.</summary>
/// <param name="Name">The handler's name, compared exactly.</param>
/// <param name="HandlerType">A class that implements <see cref="IJobHandler{TPayload,TResult}"/> once.</param>
/// <param name="Lifetime">Singleton, or Scoped for an instance per job.</param>
internal sealed record HandlerRegistration(string Name, Type HandlerType, ServiceLifetime Lifetime)
{
    /// <summary>Checks what is known without a container.</summary>
    /// <exception cref="ArgumentException">The name is empty, or the class or the lifetime does not fit.</exception>
    public static HandlerRegistration Create(string name, Type handlerType, ServiceLifetime lifetime)
    {
        if (string.IsNullOrWhiteSpace(name))
        {
            throw new ArgumentException($"The job handler {handlerType} has an empty name.", nameof(name));
        }

        if (lifetime is not (ServiceLifetime.Singleton or ServiceLifetime.Scoped))
        {
            throw new ArgumentException(
                $"The job handler '{name}' ({handlerType}) is registered as {lifetime}; it must be Singleton or Scoped " +
                "(Scoped makes an instance per job).",
                nameof(lifetime));
        }

        PayloadAndResult(handlerType);
        return new HandlerRegistration(name, handlerType, lifetime);
    }

    /// <summary>The two type arguments of the one handler interface that the class implements.</summary>
    public static (Type Payload, Type Result) PayloadAndResult(Type handlerType)
    {
        if (!handlerType.IsClass || handlerType.IsAbstract || handlerType.ContainsGenericParameters)
        {
            throw new ArgumentException($"The job handler {handlerType} must be a class that can be created.");
        }

        var contracts = handlerType.GetInterfaces()
            .Where(type => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IJobHandler<,>))
            .ToArray();
        if (contracts.Length != 1)
        {
            throw new ArgumentException(
                $"The job handler {handlerType} implements IJobHandler<TPayload, TResult> {contracts.Length} times; it must once.");
        }

        var arguments = contracts[0].GetGenericArguments();
        return (arguments[0], arguments[1]);
    }
}

using System.Reflection;

namespace Gristmill.Engine;

/// <summary>A call as filters see it.</summary>
public interface IGrainCallContext
{
    /// <summary>The grain that is called.</summary>
    object Grain { get; }

    /// <summary>The method of the grain's interface.</summary>
    MethodInfo InterfaceMethod { get; }

    /// <summary>The call's result, once <see cref="Invoke"/> has ended; a filter may replace it. Null for calls without one.</summary>
    object? Result { get; set; }

    /// <summary>Runs the filters after this one, then the grain's method. Throws what they throw.</summary>
    Task Invoke();
}

/// <summary>A call that arrives at a grain of this silo.</summary>
public interface IIncomingGrainCallContext : IGrainCallContext;

/// <summary>
/// Runs around every call that arrives at grains of this silo, as part of the grain's turns. Registered as a service;
/// filters run in the order of their registration, and a grain that implements this interface is the last.
/// </summary>
public interface IIncomingGrainCallFilter
{
    /// <summary>Runs around one call.</summary>
    /// <param name="context">The call.</param>
    Task Invoke(IIncomingGrainCallContext context);
}

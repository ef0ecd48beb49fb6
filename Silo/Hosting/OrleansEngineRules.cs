using Orleans.Metadata;
using Orleans.Serialization;

namespace Gristmill.Silo.Hosting;

/// <summary>
/// What makes Orleans behave as grains are told to expect (docs/engines.md): traces travel with calls, one exception crosses
/// them, and classes that are bound to their silo are in no directory.
/// </summary>
internal static class OrleansEngineRules
{
    /// <summary>Adds the rules.</summary>
    /// <param name="silo">A silo.</param>
    /// <param name="isBound">Whether a grain class is bound to its silo: each has its own activation of a key, known to no other.</param>
    public static ISiloBuilder AddGristmillRules(this ISiloBuilder silo, Func<Type, bool> isBound)
    {
        silo.AddActivityPropagation();
        silo.AddIncomingGrainCallFilter<ErrorsOfGrains>();
        silo.AddOutgoingGrainCallFilter<ErrorsOfCalls>();
        silo.Services.AddSingleton<IGrainPropertiesProvider>(provider => new BoundGrains(provider, isBound));
        silo.Services.Configure<ExceptionSerializationOptions>(exceptions =>
        {
            // Cancellations and timeouts, and what an activation fails with; all else that a grain throws is turned into one type.
            exceptions.SupportedNamespacePrefixes.Clear();
            exceptions.SupportedNamespacePrefixes.Add("System");
        });
        return silo;
    }

    /// <summary>
    /// Part of Orleans' directory is lost with each silo that dies, and grains that were registered there end, on silos that
    /// live too. A bound grain is not registered: at most one on each silo, where it is called.
    /// </summary>
    private sealed class BoundGrains(IServiceProvider services, Func<Type, bool> isBound) : IGrainPropertiesProvider
    {
        private readonly StatelessWorkerAttribute _one = new(maxLocalWorkers: 1, removeIdleWorkers: false);

        public void Populate(Type grainClass, GrainType grainType, Dictionary<string, string> properties)
        {
            if (isBound(grainClass)) _one.Populate(services, grainClass, grainType, properties);
        }
    }

    private static bool IsOurs(IGrainCallContext context) =>
        context.InterfaceMethod.DeclaringType?.Namespace?.StartsWith("Orleans", StringComparison.Ordinal) != true;

    private static bool IsKnown(Exception error) => error is GristmillException or OperationCanceledException or TimeoutException;

    private static GristmillException Failed(Exception error, GristmillErrorKind kind = GristmillErrorKind.Failed) => new(kind, error.Message, error.GetType().FullName);

    /// <summary>Turns what a grain throws into the one exception that crosses a call, where it was thrown.</summary>
    private sealed class ErrorsOfGrains : IIncomingGrainCallFilter
    {
        public async Task Invoke(IIncomingGrainCallContext context)
        {
            try
            {
                await context.Invoke();
            }
            catch (Exception error) when (IsOurs(context) && !IsKnown(error) && error is not InconsistentStateException)
            {
                // A lost write goes on as it is: Orleans ends the activation for it.
                throw Failed(error);
            }
        }
    }

    /// <summary>Turns what else a call fails with into the exception that callers know.</summary>
    private sealed class ErrorsOfCalls : IOutgoingGrainCallFilter
    {
        public async Task Invoke(IOutgoingGrainCallContext context)
        {
            try
            {
                await context.Invoke();
            }
            catch (Exception error) when (IsOurs(context) && !IsKnown(error))
            {
                throw error switch
                {
                    InconsistentStateException => Failed(error, GristmillErrorKind.Conflict),
                    LimitExceededException => Failed(error, GristmillErrorKind.Overloaded),
                    SiloUnavailableException or OrleansMessageRejectionException => Failed(error, GristmillErrorKind.Unavailable),
                    _ => Failed(error),
                };
            }
        }
    }
}

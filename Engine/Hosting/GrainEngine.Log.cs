using Microsoft.Extensions.Logging;

namespace Gristmill.Engine;

internal static partial class GrainEngineLog
{
    [LoggerMessage(2000, LogLevel.Information, "The silo {Silo} runs {GrainClasses} grain classes of the service {ServiceId}.")]
    public static partial void Started(this ILogger log, SiloAddress silo, int grainClasses, string serviceId);

    [LoggerMessage(2001, LogLevel.Information, "The silo {Silo} has stopped; all its activations have ended.")]
    public static partial void Stopped(this ILogger log, SiloAddress silo);

    [LoggerMessage(2002, LogLevel.Warning, "The silo {Silo} stops with {Activations} activations that did not end within the limit.")]
    public static partial void StoppedInPart(this ILogger log, SiloAddress silo, int activations);

    [LoggerMessage(2010, LogLevel.Error, "The grain {Grain} could not be activated.")]
    public static partial void ActivationFailed(this ILogger log, Exception exception, GrainId grain);

    [LoggerMessage(2011, LogLevel.Error, "The grain {Grain} failed while it was deactivated.")]
    public static partial void DeactivationFailed(this ILogger log, Exception exception, GrainId grain);

    [LoggerMessage(2012, LogLevel.Warning, "The grain {Grain} is deactivated with {Calls} calls that did not end within {Limit}.")]
    public static partial void CallsOutliveActivation(this ILogger log, GrainId grain, int calls, TimeSpan limit);

    [LoggerMessage(2013, LogLevel.Debug, "{Activations} idle activations are deactivated.")]
    public static partial void Collected(this ILogger log, int activations);

    [LoggerMessage(2014, LogLevel.Error, "A cancellation callback of the grain {Grain} failed.")]
    public static partial void CallbackFailed(this ILogger log, Exception exception, GrainId grain);

    [LoggerMessage(2015, LogLevel.Critical, "The engine failed while it ran the grain {Grain}.")]
    public static partial void EngineFault(this ILogger log, Exception exception, GrainId grain);

    [LoggerMessage(2016, LogLevel.Warning, "The directory could not be told that {Grain} is active here no more: {Reason}")]
    public static partial void NotUnregistered(this ILogger log, GrainId grain, string reason);

    [LoggerMessage(2020, LogLevel.Debug, "The call {Method} of the grain {Grain} failed; its caller gets the error.")]
    public static partial void CallFailed(this ILogger log, Exception exception, string method, GrainId grain);

    [LoggerMessage(2021, LogLevel.Error, "The one-way call {Method} of the grain {Grain} failed.")]
    public static partial void OneWayCallFailed(this ILogger log, Exception exception, string method, GrainId grain);

    [LoggerMessage(2022, LogLevel.Error, "The one-way call {Method} of the grain {Grain} did not run: {Reason}")]
    public static partial void OneWayCallRefused(this ILogger log, string method, GrainId grain, string reason);

    [LoggerMessage(2023, LogLevel.Error, "A timer tick of the grain {Grain} failed; the timer goes on.")]
    public static partial void TimerTickFailed(this ILogger log, Exception exception, GrainId grain);
}

using System.Diagnostics.CodeAnalysis;

namespace Gristmill.Engine;

/// <summary>A timer of a grain. It ends when it is disposed or its activation ends.</summary>
public interface IGrainTimer : IDisposable
{
    /// <summary>Changes when the timer ticks. During a tick the change takes effect when the tick is done.</summary>
    /// <param name="dueTime">Time to the next tick; <see cref="Timeout.InfiniteTimeSpan"/> for none.</param>
    /// <param name="period">Time from the end of one tick to the next; <see cref="Timeout.InfiniteTimeSpan"/> for a single tick.</param>
    /// <exception cref="ArgumentOutOfRangeException">A time is negative (other than infinite) or over 49 days.</exception>
    void Change(TimeSpan dueTime, TimeSpan period);
}

/// <summary>How a grain's timer ticks.</summary>
public readonly struct GrainTimerCreationOptions()
{
    /// <summary>Creates options.</summary>
    /// <param name="dueTime">Time to the first tick.</param>
    /// <param name="period">Time from the end of one tick to the next.</param>
    [SetsRequiredMembers]
    public GrainTimerCreationOptions(TimeSpan dueTime, TimeSpan period)
        : this()
    {
        DueTime = dueTime;
        Period = period;
    }

    /// <summary>Time to the first tick; <see cref="Timeout.InfiniteTimeSpan"/> for none.</summary>
    public required TimeSpan DueTime { get; init; }

    /// <summary>Time from the end of one tick to the next; <see cref="Timeout.InfiniteTimeSpan"/> for a single tick.</summary>
    public required TimeSpan Period { get; init; }

    /// <summary>Whether a tick may run while calls or other ticks of the grain wait for something. False by default.</summary>
    public bool Interleave { get; init; }

    /// <summary>Whether a tick counts as use of the grain, so that it is not collected as idle. False by default.</summary>
    public bool KeepAlive { get; init; }
}

/// <summary>What a grain can register.</summary>
public static class GrainBaseExtensions
{
    /// <summary>
    /// Registers a timer. Ticks are turns of the grain, queued like calls; the next tick is timed from the end of
    /// this one, so a timer never overlaps itself. An exception of a tick is logged and the timer goes on.
    /// </summary>
    /// <param name="grain">The grain.</param>
    /// <param name="callback">The tick. Its token is cancelled when the timer is disposed or the activation ends.</param>
    /// <param name="state">Handed to the tick.</param>
    /// <param name="options">When and how it ticks.</param>
    public static IGrainTimer RegisterGrainTimer<TState>(this IGrainBase grain, Func<TState, CancellationToken, Task> callback, TState state, GrainTimerCreationOptions options)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return ActivationOf(grain).RegisterTimer(token => callback(state, token), options);
    }

    /// <inheritdoc cref="RegisterGrainTimer{TState}(IGrainBase, Func{TState, CancellationToken, Task}, TState, GrainTimerCreationOptions)"/>
    public static IGrainTimer RegisterGrainTimer(this IGrainBase grain, Func<CancellationToken, Task> callback, GrainTimerCreationOptions options)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return ActivationOf(grain).RegisterTimer(callback, options);
    }

    /// <inheritdoc cref="RegisterGrainTimer{TState}(IGrainBase, Func{TState, CancellationToken, Task}, TState, GrainTimerCreationOptions)"/>
    public static IGrainTimer RegisterGrainTimer(this IGrainBase grain, Func<Task> callback, GrainTimerCreationOptions options)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return ActivationOf(grain).RegisterTimer(_ => callback(), options);
    }

    /// <inheritdoc cref="RegisterGrainTimer{TState}(IGrainBase, Func{TState, CancellationToken, Task}, TState, GrainTimerCreationOptions)"/>
    public static IGrainTimer RegisterGrainTimer<TState>(this IGrainBase grain, Func<TState, Task> callback, TState state, GrainTimerCreationOptions options)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return ActivationOf(grain).RegisterTimer(_ => callback(state), options);
    }

    private static Activation ActivationOf(IGrainBase grain) =>
        grain is Grain instance
            ? instance.Activation
            : throw new ArgumentException($"Only a class derived from {nameof(Grain)} can register timers.", nameof(grain));
}

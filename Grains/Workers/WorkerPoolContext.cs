using Gristmill.Grains.Processes;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Workers;

/// <summary>What the pool's workers share.</summary>
internal sealed record WorkerPoolContext(
    string Name, WorkerOptions Options, int MaxResultBytes, ILogger Logger, TimeProvider Time, ProcessGuard Guard, WorkerCounters Counters);

/// <summary>What happened in a pool since it started; read by anyone at any time.</summary>
internal sealed class WorkerCounters
{
    private long _garbageLines;
    private long _ignoredMessages;
    private long _starts;

    /// <summary>Lines on stdout that were no messages.</summary>
    public long GarbageLines => Interlocked.Read(ref _garbageLines);

    /// <summary>Messages of unknown type, and answers to jobs that had ended or never were.</summary>
    public long IgnoredMessages => Interlocked.Read(ref _ignoredMessages);

    /// <summary>Processes started.</summary>
    public long Starts => Interlocked.Read(ref _starts);

    public void Garbage() => Interlocked.Increment(ref _garbageLines);

    public void Ignored() => Interlocked.Increment(ref _ignoredMessages);

    public void Started() => Interlocked.Increment(ref _starts);
}

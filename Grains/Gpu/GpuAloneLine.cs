using Gristmill.Grains.Handlers;

namespace Gristmill.Grains.Gpu;

/// <summary>
/// Attempts of a C# handler that wait for a device to themselves, since one before them has run out of memory. While they wait
/// their time limit rests.
/// </summary>
internal sealed class GpuAloneLine(GpuSeat seat, TimeProvider time)
{
    /// <summary>What has not been granted a device by then goes back to the queue, where another silo may have one.</summary>
    private static readonly TimeSpan MaxWait = TimeSpan.FromMinutes(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<GpuRequest, TaskCompletionSource> _waiting = [];

    /// <summary>How many wait.</summary>
    public int Count
    {
        get
        {
            lock (_gate) return _waiting.Count;
        }
    }

    /// <summary>Waits for a device; null when the attempt is given up, or has waited for too long.</summary>
    public async Task<GpuLease?> AwaitAsync(JobAttempt attempt, IProgressSink progress, CancellationToken cancellationToken)
    {
        attempt.Timer?.Hold();
        progress.Report(0, 0, WaitText);
        var granted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var request = seat.Request(alone: true);
        lock (_gate) _waiting.Add(request, granted);
        try
        {
            Look();
            await granted.Task.WaitAsync(MaxWait, time, cancellationToken).ConfigureAwait(false);
            attempt.Timer?.Begin();
            progress.Report(0, 0, GrantedText);
            return request.Lease;
        }
        catch (Exception error) when (error is OperationCanceledException or TimeoutException)
        {
            seat.Withdraw(request);
            return null;
        }
        finally
        {
            lock (_gate) _waiting.Remove(request);
        }
    }

    /// <summary>What people see meanwhile as the job's progress.</summary>
    public const string WaitText = "waits for a device to itself, since it ran out of memory";

    /// <summary>What they see once it runs, until it says something itself.</summary>
    public const string GrantedText = "has a device to itself, since it ran out of memory";

    /// <summary>Something has changed at the devices.</summary>
    public void Look()
    {
        lock (_gate)
        {
            foreach (var (request, granted) in _waiting)
            {
                if (request.Lease is not { } lease || granted.Task.IsCompleted) continue;
                if (lease.State == GpuLeaseState.Loading) seat.SetIdle(lease);
                if (seat.TryBegin(lease)) granted.SetResult();
            }
        }
    }
}

using System.Text.Json;
using Gristmill.Grains.Handlers;

namespace Gristmill.Silo.Bench;

/// <summary>Does nothing, and notes when those jobs started that were pushed one by one.</summary>
internal sealed class BenchHandler(TimeProvider clock) : IJobHandler<JsonElement, object?>
{
    public const string Name = "bench";
    private static readonly Task<object?> Nothing = Task.FromResult<object?>(null);

    private readonly TaskCompletionSource<double[]> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long[] _pushed = [];
    private double[] _waits = [];
    private int _from = int.MaxValue;
    private int _missing;

    /// <summary>From now on jobs with these numbers are noted; the waits in ms, when all have started.</summary>
    public Task<double[]> Await(int from, int count)
    {
        (_pushed, _waits, _missing) = (new long[count], new double[count], count);
        Volatile.Write(ref _from, from);
        return _done.Task;
    }

    /// <summary>The job of this place is being pushed.</summary>
    public void Pushing(int place) => Volatile.Write(ref _pushed[place], clock.GetTimestamp());

    public Task<object?> HandleAsync(JsonElement payload, JobContext context, CancellationToken cancellationToken)
    {
        var from = Volatile.Read(ref _from);
        if (payload.GetProperty("n").GetInt32() is var n && n >= from)
        {
            _waits[n - from] = clock.GetElapsedTime(Volatile.Read(ref _pushed[n - from])).TotalMilliseconds;
            if (Interlocked.Decrement(ref _missing) == 0) _done.TrySetResult(_waits);
        }

        return Nothing;
    }
}

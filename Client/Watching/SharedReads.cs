namespace Gristmill.Client;

/// <summary>
/// Reads jobs for their watchers. Watchers of one job that ask at about the same time share one read and the job that it
/// brings: a read that has begun may be older than what the asker was told of, so all who ask meanwhile get the next one.
/// A thousand watchers of a job are two reads, not a thousand.
/// </summary>
/// <param name="room">How many reads there may be at once.</param>
/// <param name="read">Reads the job.</param>
internal sealed class SharedReads(SemaphoreSlim room, Func<string, CancellationToken, Task<Job?>> read)
{
    private readonly Lock _gate = new();

    // The read of each job that has not begun; null while one is under way and nobody has asked for another.
    private readonly Dictionary<(string Id, bool Payload), TaskCompletionSource<Job?>?> _next = [];

    /// <summary>The job as it stands, read after this was called; null when there is none. It is shared.</summary>
    /// <param name="id">The job.</param>
    /// <param name="payload">Whether its payload is wanted; without, the job does not keep it.</param>
    /// <param name="cancellationToken">Ends the waiting; the read goes on for the others.</param>
    public Task<Job?> ReadAsync(string id, bool payload, CancellationToken cancellationToken)
    {
        bool isFirst;
        TaskCompletionSource<Job?>? next;
        lock (_gate)
        {
            isFirst = !_next.TryGetValue((id, payload), out next);
            if (next is null) _next[(id, payload)] = next = new TaskCompletionSource<Job?>(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        if (isFirst) _ = RunAsync(id, payload);
        return next.Task.WaitAsync(cancellationToken);
    }

    private async Task RunAsync(string id, bool payload)
    {
        do
        {
            await room.WaitAsync().ConfigureAwait(false);
            try
            {
                await ReadAsync(Begin(id, payload), id, payload).ConfigureAwait(false);
            }
            finally
            {
                room.Release();
            }
        }
        while (!IsOver(id, payload));
    }

    private async Task ReadAsync(TaskCompletionSource<Job?> asked, string id, bool payload)
    {
        try
        {
            var job = await read(id, CancellationToken.None).ConfigureAwait(false);
            asked.SetResult(payload || job is null ? job : job with { Payload = default });
        }
        catch (Exception error)
        {
            asked.SetException(error);

            // Those who asked may all have left.
            _ = asked.Task.Exception;
        }
    }

    private TaskCompletionSource<Job?> Begin(string id, bool payload)
    {
        lock (_gate)
        {
            var asked = _next[(id, payload)]!;
            _next[(id, payload)] = null;
            return asked;
        }
    }

    private bool IsOver(string id, bool payload)
    {
        lock (_gate) return _next[(id, payload)] is null && _next.Remove((id, payload));
    }
}

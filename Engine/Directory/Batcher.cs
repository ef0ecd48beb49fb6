namespace Gristmill.Engine;

/// <summary>
/// Gathers what is asked for while an earlier batch is under way into the next one: the first goes at once, and a crowd
/// costs few round trips. One batch at a time, in the order of asking.
/// </summary>
/// <param name="most">The most items of a batch.</param>
/// <param name="run">Does a batch. Throws nothing.</param>
internal sealed class Batcher<T>(int most, Func<List<T>, Task> run)
{
    private readonly Lock _gate = new();
    private readonly Queue<T> _waiting = new();
    private bool _running;

    public void Add(T item)
    {
        lock (_gate)
        {
            _waiting.Enqueue(item);
            if (_running)
                return;
            _running = true;
        }

        using var flow = SuppressedFlow.Begin();
        _ = RunAsync();
    }

    private async Task RunAsync()
    {
        while (true)
        {
            var batch = new List<T>();
            lock (_gate)
            {
                while (batch.Count < most && _waiting.TryDequeue(out var item))
                    batch.Add(item);
                if (batch.Count == 0)
                {
                    _running = false;
                    return;
                }
            }

            await run(batch).ConfigureAwait(false);
        }
    }
}

namespace Gristmill.Engine.Tests.Contract.Grains;

/// <summary>A reentrant grain that counts without a lock: right only if its turns never overlap.</summary>
[Alias("test.ITurnGrain")]
public interface ITurnGrain : IGrainWithStringKey
{
    /// <summary>Counts up in steps, with an await of another kind between; the number of turns that met another in its middle.</summary>
    [Alias("Count")]
    Task<int> Count(int steps);

    [Alias("Total")]
    Task<int> Total();

    /// <summary>For each kind of await, whether the code after it ran on the activation.</summary>
    [Alias("Awaits")]
    Task<Dictionary<string, bool>> Awaits();
}

[RandomPlacement, Reentrant]
public sealed class TurnGrain : Grain, ITurnGrain
{
    private int _total;
    private int _inTurn;
    private int _met;

    public async Task<int> Count(int steps)
    {
        for (var step = 0; step < steps; step++)
        {
            if (Interlocked.Exchange(ref _inTurn, 1) != 0)
            {
                _met++;
            }

            var before = _total;
            Thread.SpinWait(20);
            _total = before + 1;
            Volatile.Write(ref _inTurn, 0);
            await ((step % 3) switch
            {
                0 => Foreign.RunAsync(),
                1 => Task.Factory.StartNew(() => { }, CancellationToken.None, TaskCreationOptions.None, TaskScheduler.Default),
                _ => Foreign.YieldAsync(),
            });
        }

        return _met;
    }

    public Task<int> Total() => Task.FromResult(_total);

    public async Task<Dictionary<string, bool>> Awaits()
    {
        var home = TaskScheduler.Current;
        var seen = new Dictionary<string, bool> { ["start"] = home != TaskScheduler.Default };
        await Task.Yield();
        seen["yield"] = TaskScheduler.Current == home;
        await Foreign.RunAsync();
        seen["thread pool"] = TaskScheduler.Current == home;
        await new ValueTask<int>(Foreign.NumberAsync());
        seen["value task"] = TaskScheduler.Current == home;
        await Task.WhenAll(Foreign.RunAsync(), Foreign.RunAsync());
        seen["when all"] = TaskScheduler.Current == home;
        await GrainFactory.GetGrain<IGateGrain>(this.GetPrimaryKeyString()).Ping(1);
        seen["grain call"] = TaskScheduler.Current == home;
        try
        {
            await Task.Factory.StartNew(
                () => throw new InvalidOperationException("foreign"), CancellationToken.None, TaskCreationOptions.None, TaskScheduler.Default);
        }
        catch (InvalidOperationException)
        {
            seen["catch"] = TaskScheduler.Current == home;
        }

        await foreach (var _ in Foreign.SequenceAsync())
        {
            seen["await foreach"] = TaskScheduler.Current == home;
        }

        return seen;
    }
}

/// <summary>What a grain may wait for that knows nothing of grains.</summary>
internal static class Foreign
{
    public static Task RunAsync() =>
        Task.Factory.StartNew(() => Thread.SpinWait(10), CancellationToken.None, TaskCreationOptions.None, TaskScheduler.Default);

    public static async Task<int> NumberAsync()
    {
        await RunAsync().ConfigureAwait(false);
        return 1;
    }

    public static async Task YieldAsync() => await Task.Yield();

    public static async IAsyncEnumerable<int> SequenceAsync()
    {
        await RunAsync().ConfigureAwait(false);
        yield return 1;
    }
}

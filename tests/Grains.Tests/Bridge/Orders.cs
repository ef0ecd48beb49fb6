using System.Collections.Concurrent;
using System.Text.Json;
using Gristmill.Grains.Handlers;
using Gristmill.Grains.Silo;
using Gristmill.Testing;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Tests.Bridge;

/// <summary>One call of the handler, as it saw it.</summary>
internal sealed record Call(int N, JobContext Job, string Silo);

/// <summary>What handlers of a test are told by it, and what it hears of them. Shared by the silos of one test.</summary>
internal sealed class Orders
{
    private readonly ConcurrentQueue<Call> _calls = new();
    private readonly ConcurrentQueue<int> _told = new();
    private readonly ConcurrentDictionary<int, TaskCompletionSource> _gates = new();
    private int _running;
    private int _most;

    /// <summary>All calls, in order.</summary>
    public IReadOnlyList<Call> Calls => [.. _calls];

    /// <summary>The numbers of the jobs that were told to end, in order.</summary>
    public IReadOnlyList<int> Told => [.. _told];

    /// <summary>Handlers that run now.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <summary>The most that ever ran at once.</summary>
    public int Most => Volatile.Read(ref _most);

    /// <summary>The numbers of the jobs in the order of their calls.</summary>
    public IReadOnlyList<int> Numbers => [.. _calls.Select(c => c.N)];

    /// <summary>Lets jobs with this number go on that hold or are stubborn, now and later.</summary>
    public void Release(int n) => Gate(n).TrySetResult();

    public Task Open(int n) => Gate(n).Task;

    public Task CalledAsync(int n, int times = 1) =>
        Eventually.MatchesAsync($"job {n} is called {times} times", () => Task.FromResult(Numbers.Count(c => c == n)), c => c >= times);

    public Task TotalAsync(int calls) => Eventually.MatchesAsync($"{calls} calls", () => Task.FromResult(_calls.Count), c => c >= calls, TimeSpan.FromSeconds(60));

    public Task ToldAsync(int n) => Eventually.TrueAsync($"job {n} is told to end", () => _told.Contains(n));

    public IDisposable Enter(Call call, CancellationToken cancellationToken)
    {
        var now = Interlocked.Increment(ref _running);
        InterlockedMax(now);
        _calls.Enqueue(call);
        return new Visit(this, call.N, cancellationToken);
    }

    private void InterlockedMax(int now)
    {
        for (var most = Most; now > most; most = Most) Interlocked.CompareExchange(ref _most, now, most);
    }

    private TaskCompletionSource Gate(int n) => _gates.GetOrAdd(n, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));

    private sealed class Visit : IDisposable
    {
        private readonly Orders _orders;
        private readonly int _n;
        private readonly CancellationToken _cancellationToken;
        private readonly CancellationTokenRegistration _registration;
        private int _told;

        public Visit(Orders orders, int n, CancellationToken cancellationToken)
        {
            (_orders, _n, _cancellationToken) = (orders, n, cancellationToken);
            _registration = cancellationToken.Register(Tell);
        }

        // What the handler waits on may hear of the end, and end it, before this does.
        public void Dispose()
        {
            _registration.Dispose();
            if (_cancellationToken.IsCancellationRequested) Tell();
            Interlocked.Decrement(ref _orders._running);
        }

        private void Tell()
        {
            if (Interlocked.Exchange(ref _told, 1) == 0) _orders._told.Enqueue(_n);
        }
    }
}

/// <summary>Does as the payload says: {"n":1,"do":"ok"}.</summary>
internal sealed class DoAsToldHandler(Orders orders, SiloIdentity silo) : IJobHandler<JsonElement, object?>
{
    public async Task<object?> HandleAsync(JsonElement payload, JobContext context, CancellationToken cancellationToken)
    {
        var n = payload.TryGetProperty("n", out var number) ? number.GetInt32() : 0;
        using var entered = orders.Enter(new Call(n, context, silo.Name), cancellationToken);
        var what = payload.TryGetProperty("do", out var told) ? told.GetString() : "ok";
        var times = payload.TryGetProperty("times", out var limit) ? limit.GetInt32() : int.MaxValue;
        switch (what)
        {
            case "fail" when context.Attempt <= times: throw new JobFailedException($"failure {context.Attempt} of {n}");
            case "fatal": throw new JobFailedException("never", JobFailureKind.Fatal);
            case "oom": throw new JobFailedException("too big", JobFailureKind.OutOfMemory);
            case "odd": throw new JobFailedException("half a pair: \ud83d");
            case "hang": await Task.Delay(Timeout.Infinite, cancellationToken); break;
            case "hold": await orders.Open(n).WaitAsync(cancellationToken); break;
            case "hold-fail": await orders.Open(n).WaitAsync(cancellationToken); throw new JobFailedException($"failure of {n}");
            case "stubborn": await orders.Open(n); break;
            case "block": Block(); break;
            case "large": return new string('x', payload.GetProperty("bytes").GetInt32());
            case "log": LogIt(context); break;
            case "progress": await ReportAsync(payload.GetProperty("steps").GetInt32(), n, context, cancellationToken); break;
        }

        return n;
    }

    // Holds its thread, as work on the CPU does.
    private static void Block()
    {
        using var never = new ManualResetEventSlim();
        never.Wait(TimeSpan.FromSeconds(4));
    }

    private static void LogIt(JobContext context) => context.Logger.LogWarning("from the handler");

    private async Task ReportAsync(int steps, int n, JobContext context, CancellationToken cancellationToken)
    {
        for (var step = 1; step <= steps; step++) context.ReportProgress(step, steps, $"step {step}");
        await orders.Open(n).WaitAsync(cancellationToken);
    }
}

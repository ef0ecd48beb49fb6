namespace Gristmill.Silo.Hosting;

/// <summary>
/// Ends the requests that are open when the silo has stopped its work: who follows a job's events would otherwise keep the
/// process for as long as the job takes. It must be added before the services whose end it waits for, since the host tells
/// them in the order from the last to the first. What is no stream is over long before.
/// </summary>
internal sealed class OpenRequests(TimeProvider clock) : IHostedLifecycleService, IDisposable
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);
    private readonly CancellationTokenSource _end = new();
    private ITimer? _timer;

    /// <summary>Makes requests end with the silo's work.</summary>
    public async Task FollowAsync(HttpContext context, RequestDelegate next)
    {
        await using var cut = _end.Token.UnsafeRegister(static context => ((HttpContext)context!).Abort(), context);
        await next(context);
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        _timer = clock.CreateTimer(_ => _end.Cancel(), null, Grace, Timeout.InfiniteTimeSpan);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        _timer?.Dispose();
        _end.Dispose();
    }
}

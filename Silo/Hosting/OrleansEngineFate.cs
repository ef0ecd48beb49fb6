using Gristmill.Grains.Options;
using Microsoft.Extensions.Options;

namespace Gristmill.Silo.Hosting;

/// <summary>
/// What becomes of a silo that Orleans gives up, most often because the others have declared it dead while it was frozen: by
/// itself Orleans would crash the process. Here the host stops in order, so that jobs which run may end, and the process
/// ends with status 1, whereupon who keeps it running starts another.
/// </summary>
internal sealed partial class OrleansEngineFate(IOptions<GristmillOptions> options, TimeProvider clock, ILogger<OrleansEngineFate> log) : BackgroundService, IFatalErrorHandler
{
    // What may be needed beyond the time that jobs have; a silo that is lost to the others must not linger.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(20);
    private const int Lost = 1;
    private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public bool IsUnexpected(Exception exception) => exception is not ThreadAbortException;

    public void OnFatalException(object? sender, string? context, Exception? exception)
    {
        var error = new InvalidOperationException($"Orleans gave this silo up: {context}", exception);
        if (!_end.TrySetException(error)) return;
        LogGivenUp(context ?? "it does not say why", exception);
        _ = EndAsync();
    }

    // Its failure stops the host, which says so and ends with a status of its own.
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => _end.Task.WaitAsync(stoppingToken);

    private async Task EndAsync()
    {
        await Task.Delay(TimeSpan.FromSeconds(options.Value.ShutdownSeconds) + Grace, clock);
        Environment.Exit(Lost);
    }

    [LoggerMessage(1231, LogLevel.Error, "Orleans gives this silo up; it ends, and must be started again: {Context}")]
    private partial void LogGivenUp(string context, Exception? exception);
}

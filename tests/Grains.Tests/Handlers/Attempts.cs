using System.Text;
using Gristmill.Grains.Handlers;

namespace Gristmill.Grains.Tests.Handlers;

/// <summary>Attempts, sinks and readings of outcomes for tests of runners.</summary>
internal static class Attempts
{
    private static readonly TimeSpan GiveUp = TimeSpan.FromSeconds(30);

    public static JobAttempt Of(string payload, string jobId = "job-1") => Of(Encoding.UTF8.GetBytes(payload), jobId);

    public static JobAttempt Of(byte[] payload, string jobId = "job-1") => new()
    {
        Queue = "asr",
        JobId = jobId,
        SessionId = "s1",
        Attempt = 2,
        MaxAttempts = 5,
        EnqueuedAt = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
        FencingToken = "silo:7",
        TraceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        Payload = payload,
    };

    public static async Task<AttemptResult> RunAsync(
        this IJobRunner runner, string payload, CancellationToken cancellationToken = default) =>
        await runner.RunAsync(Of(payload), new ProgressLog(), cancellationToken).AsTask().WaitAsync(GiveUp, CancellationToken.None);

    public static string ResultOf(AttemptResult result) =>
        Encoding.UTF8.GetString(Assert.IsType<AttemptResult.Completed>(result).ResultJson.Span);

    public static AttemptError ErrorOf(AttemptResult result) => Assert.IsType<AttemptResult.Failed>(result).Error;
}

/// <summary>Keeps every report, and tells of the first.</summary>
internal sealed class ProgressLog : IProgressSink
{
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public List<(long Done, long Total, string? Message)> Reports { get; } = [];

    public Task First => _first.Task.WaitAsync(TimeSpan.FromSeconds(30));

    public void Report(long done, long total, string? message)
    {
        lock (Reports)
        {
            Reports.Add((done, total, message));
        }

        _first.TrySetResult();
    }
}

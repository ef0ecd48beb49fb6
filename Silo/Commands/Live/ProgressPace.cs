using System.Globalization;
using Gristmill.Store;

namespace Gristmill.Silo.Commands.Live;

/// <summary>
/// How fast a job goes on and how long it will still take, from the reports of one attempt within the last minute: what it
/// did before is no measure of what it does now. Known once a second lies between two of them: reports that come together, as when a
/// watch begins, say nothing of a rate.
/// </summary>
internal sealed class ProgressPace(TimeProvider clock)
{
    private const int MostReports = 64;
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);
    private readonly Queue<(long At, long Done)> _reports = new();
    private int _attempt;

    /// <summary>Units a second; null when it is not known.</summary>
    public double? PerSecond { get; private set; }

    /// <summary>Seconds to the end; null when it is not known.</summary>
    public double? Remaining { get; private set; }

    /// <summary>Takes a report.</summary>
    public void Report(int attempt, JobProgress progress)
    {
        var now = clock.GetTimestamp();
        if (attempt != _attempt || (_reports.Count > 0 && progress.Done < _reports.Last().Done)) Forget(attempt);
        while (_reports.Count >= MostReports || (_reports.Count > 1 && clock.GetElapsedTime(_reports.Peek().At, now) > Window)) _reports.Dequeue();
        if (_reports.Count > 0)
        {
            var (at, done) = _reports.Peek();
            var seconds = clock.GetElapsedTime(at, now).TotalSeconds;
            PerSecond = seconds >= Least.TotalSeconds && progress.Done > done ? (progress.Done - done) / seconds : null;
            Remaining = PerSecond is { } rate && progress.Total > 0 ? Math.Max(0, progress.Total - progress.Done) / rate : null;
        }

        _reports.Enqueue((now, progress.Done));
    }

    /// <summary>"1.5/s, 20 s left"; null when nothing is known.</summary>
    public override string? ToString()
    {
        if (PerSecond is not { } rate) return null;
        var speed = rate >= 0.1 ? string.Create(CultureInfo.InvariantCulture, $"{rate:0.#}/s") : string.Create(CultureInfo.InvariantCulture, $"{rate * 60:0.##}/min");
        return Remaining is { } seconds ? $"{speed}, {Plain.Span(seconds)} left" : speed;
    }

    private void Forget(int attempt)
    {
        _reports.Clear();
        _attempt = attempt;
        (PerSecond, Remaining) = (null, null);
    }
}

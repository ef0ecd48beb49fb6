using Gristmill.Silo.Commands.Live;
using Gristmill.Store;
using Microsoft.Extensions.Time.Testing;

namespace Gristmill.Silo.Tests.Commands;

/// <summary>How fast a job goes on, and how long it will take.</summary>
public sealed class ProgressPaceTests
{
    private readonly FakeTimeProvider _clock = new();

    [Fact]
    public void Rate_and_remaining_time_are_known_from_the_second_report_on()
    {
        var pace = new ProgressPace(_clock);
        pace.Report(1, new JobProgress(10, 100, null));
        Assert.Null(pace.ToString());
        _clock.Advance(TimeSpan.FromSeconds(10));
        pace.Report(1, new JobProgress(40, 100, null));
        Assert.Equal((3.0, 20.0, "3/s, 20 s left"), (pace.PerSecond!.Value, pace.Remaining!.Value, pace.ToString()));
    }

    [Fact]
    public void Reports_that_come_together_say_nothing_of_a_rate()
    {
        var pace = new ProgressPace(_clock);
        pace.Report(1, new JobProgress(10, 100, null));
        _clock.Advance(TimeSpan.FromMilliseconds(5));
        pace.Report(1, new JobProgress(20, 100, null));
        Assert.Null(pace.ToString());
        _clock.Advance(TimeSpan.FromMilliseconds(995));
        pace.Report(1, new JobProgress(30, 100, null));
        Assert.Equal("20/s, 4 s left", pace.ToString());
    }

    [Fact]
    public void Slow_progress_is_said_by_the_minute_and_an_unknown_total_has_no_end()
    {
        var pace = new ProgressPace(_clock);
        pace.Report(1, new JobProgress(1, 0, null));
        _clock.Advance(TimeSpan.FromSeconds(60));
        pace.Report(1, new JobProgress(2, 0, null));
        Assert.Equal("1/min", pace.ToString());
    }

    [Fact]
    public void What_was_a_minute_ago_and_what_another_attempt_did_do_not_count()
    {
        var pace = new ProgressPace(_clock);
        for (var done = 0; done <= 10; done++)
        {
            pace.Report(1, new JobProgress(done, 1000, null));
            _clock.Advance(TimeSpan.FromSeconds(30));
        }

        for (var done = 20; done <= 100; done += 10)
        {
            pace.Report(1, new JobProgress(done, 1000, null));
            _clock.Advance(TimeSpan.FromSeconds(10));
        }

        Assert.Equal(1, pace.PerSecond);
        pace.Report(2, new JobProgress(0, 1000, null));
        Assert.Null(pace.ToString());
    }
}

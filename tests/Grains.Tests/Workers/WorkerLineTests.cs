using Gristmill.Grains.Workers;

namespace Gristmill.Grains.Tests.Workers;

/// <summary>How many jobs are taken ahead of their turn, by how long jobs take.</summary>
public sealed class WorkerLineTests
{
    private static WorkerLine Line(int batch = 1) => new(new WorkerOptions { Command = ["x"], BatchSize = batch }, TimeProvider.System);

    [Theory]
    [InlineData(1, 1, 1.0, 5)]
    [InlineData(1, 1, 6.0, 0)]
    [InlineData(1, 1, 0.01, 32)]
    [InlineData(32, 32, 0.32, 64)]
    [InlineData(32, 32, 3200.0, 0)]
    public void Jobs_in_line_are_work_of_five_milliseconds_at_most(int batch, int jobs, double milliseconds, int expected)
    {
        var line = Line(batch);
        line.Served(jobs, TimeSpan.FromMilliseconds(milliseconds));
        Assert.Equal(expected, line.Ahead);
    }

    [Fact]
    public void Nothing_is_taken_ahead_before_a_job_was_done_nor_once_they_take_long()
    {
        var line = Line();
        Assert.Equal(0, line.Ahead);
        line.Served(1, TimeSpan.FromMilliseconds(1));
        Assert.Equal(5, line.Ahead);
        line.Served(1, TimeSpan.FromSeconds(1));
        Assert.Equal(0, line.Ahead);
    }
}

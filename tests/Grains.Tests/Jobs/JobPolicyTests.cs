using Gristmill.Grains.Handlers;
using Gristmill.Grains.Jobs;
using Gristmill.Grains.Options;
using Gristmill.Store;

namespace Gristmill.Grains.Tests.Jobs;

/// <summary>The rules of retries and budgets, as a table.</summary>
public sealed class JobPolicyTests
{
    private const long Now = 1_700_000_000_000;

    public static TheoryData<string, string, int, string> Verdicts => new()
    {
        // how it ended, why it was told to end, attempt → what comes next
        { "completed", "None", 1, "completed" },
        { "completed", "Timeout", 1, "completed" },
        { "completed", "Requested", 1, "completed" },
        { "completed", "LeaseLost", 1, "completed" },
        { "completed", "Shutdown", 1, "completed" },
        { "Retry", "None", 1, "Retry 5000" },
        { "Retry", "None", 2, "Retry 10000" },
        { "Retry", "None", 3, "Retry 20000" },
        { "Retry", "None", 4, "Bury retries" },
        { "Retry", "Requested", 1, "Cancel requested" },
        { "Retry", "Timeout", 1, "Retry 5000" },
        { "Retry", "Timeout", 4, "Bury timeout" },
        { "Retry", "LeaseLost", 4, "Release" },
        { "Retry", "Shutdown", 4, "Release" },
        { "Fatal", "None", 1, "Bury fatal" },
        { "Fatal", "Timeout", 1, "Bury fatal" },
        { "Fatal", "Shutdown", 1, "Release" },
        { "OutOfMemory", "None", 1, "Retry 1000" },
        { "OutOfMemory", "None", 9, "Retry 1000" },
        { "WorkerLost", "None", 9, "Release" },
        { "WorkerLost", "Timeout", 1, "Retry 5000" },
        { "WorkerLost", "Requested", 1, "Cancel requested" },
        { "cancelled", "None", 1, "Release" },
        { "cancelled", "Timeout", 3, "Retry 20000" },
        { "cancelled", "Timeout", 4, "Bury timeout" },
        { "cancelled", "Requested", 1, "Cancel requested" },
        { "cancelled", "LeaseLost", 4, "Release" },
        { "cancelled", "Shutdown", 4, "Release" },
    };

    [Theory, MemberData(nameof(Verdicts))]
    public void Attempt_end_decides_what_comes_next(string ended, string cause, int attempt, string expected)
    {
        var header = new JobHeader { Attempts = attempt - 1 };
        var verdict = new JobPolicy(new QueueOptions()).Decide(header, attempt, ResultOf(ended), Enum.Parse<EndCause>(cause), Now, 0);
        Assert.Equal(expected, Text(verdict));
    }

    [Fact]
    public void Released_attempt_is_not_charged()
    {
        var header = new JobHeader { Attempts = 1 };
        new JobPolicy(new QueueOptions()).Decide(header, 2, AttemptResult.Cancelled.Instance, EndCause.Shutdown, Now, 0);
        Assert.Equal((1, 0, 0, 0), (header.Attempts, header.Lost, header.OutOfMemory, header.Errors.Count));
    }

    [Fact]
    public void Each_budget_is_spent_alone()
    {
        var policy = new JobPolicy(new QueueOptions { LostBudget = 1, OutOfMemoryBudget = 1, Retry = new RetryOptions { Retries = 1, BaseSeconds = 0 } });
        var header = new JobHeader();
        string[] ends = ["OutOfMemory", "WorkerLost", "Retry", "Retry"];
        var verdicts = ends.Select(end => Text(policy.Decide(header, header.Attempts + 1, ResultOf(end), EndCause.None, Now, 0))).ToList();
        Assert.Equal(["Retry 1000", "Release", "Retry 0", "Bury retries"], verdicts);
        Assert.Equal((2, 1, 1), (header.Attempts, header.Lost, header.OutOfMemory));
        Assert.Equal(["oom", "lost", "error", "error"], header.Errors.Select(e => e.Kind));
    }

    [Theory]
    [InlineData("OutOfMemory", 2, "Bury out_of_memory")]
    [InlineData("WorkerLost", 3, "Bury lost_worker")]
    public void Budget_of_devices_and_workers_ends(string kind, int budget, string expected)
    {
        var policy = new JobPolicy(new QueueOptions());
        var header = new JobHeader();
        for (var i = 0; i < budget; i++) Assert.NotEqual(expected, Text(policy.Decide(header, 1, ResultOf(kind), EndCause.None, Now, 0)));
        Assert.Equal(expected, Text(policy.Decide(header, 1, ResultOf(kind), EndCause.None, Now, 0)));
    }

    [Theory]
    [InlineData(1, 0.0, 5000)]
    [InlineData(2, 0.0, 10000)]
    [InlineData(3, 0.0, 20000)]
    [InlineData(7, 0.0, 320000)]
    [InlineData(8, 0.0, 600000)]
    [InlineData(1000, 0.0, 600000)]
    public void Delay_doubles_up_to_the_cap(int attempts, double random, long expected) =>
        Assert.Equal(expected, new JobPolicy(new QueueOptions()).DelayAfter(new JobHeader(), attempts, random));

    [Theory]
    [InlineData(0.0, 5000)]
    [InlineData(0.5, 6250)]
    [InlineData(1.0, 7500)]
    public void Jitter_adds_up_to_its_part(double random, long expected) =>
        Assert.Equal(expected, new JobPolicy(new QueueOptions { Retry = new RetryOptions { Jitter = 0.5 } }).DelayAfter(new JobHeader(), 1, random));

    [Fact]
    public void Job_brings_its_own_numbers()
    {
        var policy = new JobPolicy(new QueueOptions());
        var header = new JobHeader { MaxRetries = 0, RetryDelay = 100, Timeout = 1500 };
        Assert.Equal((1, TimeSpan.FromSeconds(1.5), 200L), (policy.AttemptsOf(header), policy.TimeoutOf(header), policy.DelayAfter(header, 2, 0)));
        Assert.Equal("Bury retries", Text(policy.Decide(header, 1, ResultOf("Retry"), EndCause.None, Now, 0)));
        Assert.Equal(0, policy.DelayAfter(new JobHeader { RetryDelay = 0 }, 5000, 1));
    }

    private static AttemptResult ResultOf(string ended) => ended switch
    {
        "completed" => AttemptResult.Completed.WithoutResult,
        "cancelled" => AttemptResult.Cancelled.Instance,
        _ => AttemptResult.Failure(Enum.Parse<AttemptErrorKind>(ended), "Type", "message"),
    };

    private static string Text(Verdict verdict) => verdict switch
    {
        { Completed: true } => "completed",
        { Settlement: Settlement.Retry } => $"Retry {verdict.DelayMs}",
        { Reason: { } reason } => $"{verdict.Settlement} {reason}",
        _ => $"{verdict.Settlement}",
    };
}

using Gristmill.Grains.Options;
using Gristmill.Silo.Findings;
using Gristmill.Store;

namespace Gristmill.Silo.Tests.Findings;

/// <summary>Silos that serve one queue and were told different things of it.</summary>
public sealed class OptionFindingsTests
{
    [Fact]
    public async Task Silos_with_different_options_for_a_queue_are_named_with_what_differs_while_they_live()
    {
        await using var at = await DoctorBench.StartAsync();
        await at.AddSiloAsync(WithOptions("a", o => o.Sessions = new QueueSessionOptions()));
        await at.AddSiloAsync(WithOptions("b", o => o.Sessions = new QueueSessionOptions()));
        await at.AddSiloAsync(Silos.Record("old", "asr"));
        Assert.DoesNotContain(await at.LookAsync(), f => f.Code == "queue_options_differ");

        await at.AddSiloAsync(WithOptions("c", o => o.AllowOpaque = true));
        var finding = await at.FindAsync("queue_options_differ");
        Assert.Equal((Finding.Warning, "asr"), (finding.Severity, finding.Queue));
        Assert.Contains("'a' and 'c' serve the queue 'asr' with different options (AllowOpaque, Sessions)", finding.Message, StringComparison.Ordinal);

        await at.AddSiloAsync(WithOptions("c", o => o.AllowOpaque = true), heardAgo: TimeSpan.FromMinutes(1));
        Assert.DoesNotContain(await at.LookAsync(), f => f.Code == "queue_options_differ");
    }

    private static SiloRecord WithOptions(string name, Action<QueueOptions> set)
    {
        var options = new QueueOptions { List = "asr_list", Handler = "h" };
        set(options);
        var record = Silos.Record(name, "asr");
        return record with { Queues = [record.Queues[0] with { Options = SharedOptions.Of(options) }] };
    }
}

using System.Text;
using Gristmill.Client;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Commands;

/// <summary><c>gristmill dead-letters</c>, and how what failed is shown</summary>
public sealed class DeadLetterCommandTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task DeadLetters_of_an_unknown_reason_names_the_known()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        var refused = (await cli.RunAsync("dead-letters", "requeue", "asr", "--reason", "timeot")).Expect(2);
        Assert.Contains("--reason is 'timeot'; it must be one of retries, timeout, fatal,", refused.Error, StringComparison.Ordinal);
        Assert.Contains("Did you mean 'timeout'?", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DeadLetters_list_show_requeue_and_purge()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        var silo = await cli.Cluster.SiloAsync();
        foreach (var (id, reason) in new[] { ("a", "fatal"), ("b", "timeout"), ("c", "timeout"), ("d", "fatal") })
        {
            (await cli.RunAsync("enqueue", "asr", """{"chunk":1}""", "--id", id)).Expect(0);
            await silo.BuryAllAsync(reason);
        }

        Assert.Matches(@"a\s+fatal\s+1\s", (await cli.RunAsync("dead-letters", "list", "asr")).Expect(0).Out);
        Assert.Equal(4, (await cli.RunAsync("dead-letters", "list", "asr", "--json")).Expect(0).Json.GetProperty("deadLetters").GetArrayLength());
        Assert.Contains("\"chunk\": 1", (await cli.RunAsync("dead-letters", "show", "asr", "a")).Expect(0).Out, StringComparison.Ordinal);
        (await cli.RunAsync("dead-letters", "requeue", "asr", "a", "--payload", """{"chunk":2}""")).Expect(0);
        Assert.Equal("""{"chunk":2}""", Encoding.UTF8.GetString((await cli.Cluster.Queue.GetAsync("a", Stop))!.Payload.Span));
        (await cli.RunAsync("dead-letters", "requeue", "asr", "a")).Expect(1);
        Assert.Equal("2 dead letters of asr are ready again\n", (await cli.RunAsync("dead-letters", "requeue", "asr", "--reason", "timeout")).Expect(0).Out);
        Assert.Equal(1, (await cli.RunAsync("dead-letters", "purge", "asr", "--all", "--json")).Expect(0).Json.GetProperty("purged").GetInt32());
        (await cli.RunAsync("dead-letters", "purge", "asr", "d")).Expect(1);
    }

    [Fact]
    public async Task Refused_job_is_found_by_the_id_of_its_payload()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        var silo = await cli.Cluster.SiloAsync();
        await cli.Cluster.Queue.EnqueueRawAsync("{}"u8.ToArray(), cancellationToken: Stop);
        await silo.RefuseAsync(await silo.StartOneAsync(), "invalid_field", "The field 'timeout' is no number.", "clip-7");
        var own = Assert.Single((await cli.Cluster.Queue.DeadLetters.ListAsync(cancellationToken: Stop)).DeadLetters).Id;

        Assert.NotEqual("clip-7", own);
        Assert.Matches(@"invalid_field\s+0\s.*clip-7", (await cli.RunAsync("dead-letters", "list", "asr")).Expect(0).Out);
        var shown = (await cli.RunAsync("dead-letters", "show", "asr", "clip-7")).Expect(0).Out;
        Assert.Matches($@"job\s+asr/{own}\nid in payload\s+clip-7\n", shown);
        Assert.Matches(@"Z invalid_field: The field 'timeout'", shown);
        foreach (var line in new[] { "job show asr clip-7", "dead-letters requeue asr clip-7" })
        {
            Assert.Contains($"gristmill dead-letters show asr {own}", (await cli.RunAsync(line.Split(' '))).Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Traceback_is_shown_line_by_line()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        var silo = await cli.Cluster.SiloAsync();
        await cli.Cluster.Queue.EnqueueRawAsync("{}"u8.ToArray(), new EnqueueOptions { Id = "a" }, Stop);
        await silo.BuryAsync(await silo.StartOneAsync(), "fatal", "ValueError: no\nTraceback (most recent call last):\n  File \"w.py\", line 3\n");
        foreach (var line in new[] { "job show asr a", "dead-letters show asr a" })
        {
            var result = (await cli.RunAsync(line.Split(' '))).Expect(0).Out;
            Assert.Contains("attempt 1, error: ValueError: no\n    Traceback (most recent call last):\n      File \"w.py\", line 3\n", result, StringComparison.Ordinal);
            Assert.DoesNotMatch(@" \n", result);
        }

        Assert.DoesNotContain("Traceback", (await cli.RunAsync("dead-letters", "list", "asr")).Expect(0).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Output_of_hostile_jobs_does_not_steer_the_terminal()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        var silo = await cli.Cluster.SiloAsync();
        await cli.Cluster.Queue.EnqueueRawAsync("{}"u8.ToArray(), new EnqueueOptions { Id = "a" }, Stop);
        await silo.BuryAsync(await silo.StartOneAsync(), "fatal", "[red]\u001b[2J gone");
        foreach (var line in new[] { "dead-letters list asr", "dead-letters show asr a", "job show asr a" })
        {
            var result = (await cli.RunAsync(line.Split(' '))).Expect(0);
            Assert.DoesNotContain('\u001b', result.Out);
            Assert.Contains("[red]", result.Out, StringComparison.Ordinal);
        }
    }
}

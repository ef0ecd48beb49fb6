using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Commands;

/// <summary><c>gristmill queues</c></summary>
public sealed class QueueCommandTests(SharedStores stores) : IClassFixture<SharedStores>
{
    [Theory, InlineData("silos", "{@silos}:ids"), InlineData("queues", "queues")]
    public async Task Key_of_the_service_that_is_of_another_type_is_an_error_that_names_both(string command, string key)
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        key = $"gristmill:{cli.Cluster.Service}:{key}";
        await cli.Cluster.Redis.ExecuteAsync(new Gristmill.Redis.RedisCommand("SET", key, "x"), TestContext.Current.CancellationToken);
        Assert.Contains($"error: The key '{key}' is a string; a set is expected there.", (await cli.RunAsync(command)).Expect(1).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Queue_that_no_silo_ever_served_is_listed_and_warned_of()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        await cli.Cluster.SiloAsync();
        (await cli.RunAsync("enqueue", "asrr", "{}")).Expect(0);
        Assert.Matches(@"asrr\s+open\s+0\s+1\s", (await cli.RunAsync("queues")).Expect(0).Out);
        var again = (await cli.RunAsync("enqueue", "asrr", "{}")).Expect(0);
        Assert.Contains("No silo serves the queue 'asrr' now; the job waits until one does. Did you mean 'asr'?", again.Error, StringComparison.Ordinal);
        Assert.Contains("No silo serves the queue 'asrr' now. Did you mean 'asr'?", (await cli.RunAsync("queues", "pause", "asrr")).Expect(0).Error, StringComparison.Ordinal);
        foreach (var line in new[] { "queues pause asx", "dead-letters list asx", "dead-letters purge asx --all" })
        {
            Assert.Contains("Did you mean 'asr'?", (await cli.RunAsync(line.Split(' '))).Expect(1).Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Queues_list_show_and_modes()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        await cli.Cluster.SiloAsync();
        (await cli.RunAsync("enqueue", "asr", "{}")).Expect(0);
        Assert.Matches(@"asr\s+open\s+0\s+1\s", (await cli.RunAsync("queues")).Expect(0).Out);
        foreach (var line in new[] { "queues --json", "queues list --json" })
        {
            Assert.Equal("asr", Assert.Single((await cli.RunAsync(line.Split(' '))).Expect(0).Json.GetProperty("queues").EnumerateArray()).GetProperty("name").GetString());
        }

        Assert.Equal("asr is paused\n", (await cli.RunAsync("queues", "pause", "asr")).Expect(0).Out);
        Assert.Equal("paused", (await cli.RunAsync("queues", "show", "asr", "--json")).Expect(0).Json.GetProperty("state").GetString());
        Assert.Equal("asr is draining\n", (await cli.RunAsync("queues", "drain", "asr")).Expect(0).Out);
        Assert.Equal("open", (await cli.RunAsync("queues", "resume", "asr", "--json")).Expect(0).Json.GetProperty("state").GetString());
        Assert.Matches(@"silos\s+hand", (await cli.RunAsync("queues", "show", "asr")).Expect(0).Out);
        Assert.Contains("Did you mean 'asr'?", (await cli.RunAsync("queues", "pause", "ars")).Expect(1).Error, StringComparison.Ordinal);
    }
}

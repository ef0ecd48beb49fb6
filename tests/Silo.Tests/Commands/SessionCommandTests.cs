using Gristmill.Store.Sessions;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Commands;

/// <summary><c>gristmill sessions</c></summary>
public sealed class SessionCommandTests(SharedStores stores) : IClassFixture<SharedStores>
{
    [Fact]
    public async Task Sessions_are_listed_shown_ended_and_cancelled()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        var silo = await cli.Cluster.SiloAsync();
        await silo.PolicyAsync(new SessionPolicy { OnFailure = SessionFailure.Wait });
        Assert.Equal("asr has no sessions\n", (await cli.RunAsync("sessions", "list", "asr")).Expect(0).Out);
        foreach (var chunk in new[] { 0, 1, 2 }) (await cli.RunAsync("enqueue", "asr", $$"""{"session_id":"s1","chunk":{{chunk}}}""")).Expect(0);
        await silo.CompleteAsync(await silo.StartOneAsync(), """{"text":"hello"}""");

        Assert.Matches(@"s1\s+open\s+1 of 3 so far\s+-\s+1\s+1\s+0\s+0", (await cli.RunAsync("sessions", "list", "asr")).Expect(0).Out);
        var shown = (await cli.RunAsync("sessions", "show", "asr", "s1")).Expect(0).Out;
        Assert.Matches(@"0\s+\S+\s+completed\s+\{""text"":""hello""\}", shown);
        Assert.Matches(@"done\s+1 of 3 so far", shown);
        Assert.Equal("asr/s1 is ended: what has come is worked off\n", (await cli.RunAsync("sessions", "end", "asr", "s1")).Expect(0).Out);
        Assert.Equal(33.3, (await cli.RunAsync("sessions", "show", "asr", "s1", "--json")).Expect(0).Json.GetProperty("session").GetProperty("percent").GetDouble());
        await silo.BuryAsync(await silo.StartOneAsync());
        Assert.Contains("held by 1 dead letter: gristmill dead-letters list asr", (await cli.RunAsync("sessions", "show", "asr", "s1")).Expect(0).Out, StringComparison.Ordinal);
        Assert.Equal("asr/s1 is being cancelled, by a silo of the queue\n", (await cli.RunAsync("sessions", "cancel", "asr", "s1")).Expect(0).Out);
        await silo.Store.StepSessionsAsync(100, TestContext.Current.CancellationToken);
        Assert.Equal("asr/s1 is over already, or on its way to another end\n", (await cli.RunAsync("sessions", "end", "asr", "s1")).Expect(1).Out);
    }

    [Theory]
    [InlineData("sessions show asr nobody", 1, "The queue 'asr' has no session 'nobody'")]
    [InlineData("sessions list asr --limit 0", 2, "--limit is 0; it must be 1 to 1000.")]
    [InlineData("sessions list asr --cursor x", 2, "--cursor is 'x'; it must be one that a list ended with.")]
    public async Task What_is_wrong_is_named(string line, int status, string message)
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        await cli.Cluster.SiloAsync();
        Assert.Contains(message, (await cli.RunAsync(line.Split(' '))).Expect(status).Error, StringComparison.Ordinal);
    }
}

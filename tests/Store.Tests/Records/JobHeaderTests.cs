using System.Text;
using Gristmill.Store.Tests.Support;
using Gristmill.Testing;

namespace Gristmill.Store.Tests.Records;

public sealed class JobHeaderTests(SharedStores stores) : IClassFixture<SharedStores>
{
    // Text inside strings that looks like the members that scripts read by pattern.
    private const string Spoof = "\"a\":7,\"p\":0,\"st\":\"d\",\"due\":99999999999999,\"n\":1,\"rq\":1,\"id\":\"x\"}\n{\"p\":1";

    private static JobHeader Full() => new()
    {
        Raw = true, Id = "an id " + "ü☃", EnqueuedAt = 1_700_000_000_123, QueuedAt = JobHeader.MaxTime, Priority = 0, SessionId = Spoof, Attempts = 2, Lost = 1, OutOfMemory = 1,
        MaxRetries = 0, RetryDelay = 86_400_000, Timeout = 2_592_000_000, Due = JobHeader.MaxTime - 1, Expires = JobHeader.MaxTime - 2, DependsOn = ["a/b", "c\\d"], ReplyTo = "replies", TraceParent = "tp", TraceState = Spoof,
        Reason = "why", StartedAt = 1_700_000_000_124, FinishedAt = 1_700_000_000_125, Silo = "silo", PayloadLength = 7, RequeuedFrom = 3,
        Progress = new JobProgress(1, 2, "\u007f\u2028"), Errors = [new JobError(1_700_000_000_126, 1, "error", Spoof)],
    };

    private static string Text(JobHeader header) => Encoding.UTF8.GetString(header.ToBytes());

    [Fact]
    public void Header_written_and_read_is_the_same_and_keeps_unknown_members()
    {
        var text = Text(Full());
        Assert.DoesNotContain('\n', text);
        Assert.Equal(text, Text(JobHeader.Parse(Encoding.UTF8.GetBytes(text))));

        const string unknown = """{"e":1,"zz":{"deep":[1,{}]},"big":9007199254740993,"none":[],"yy":null}""";
        Assert.Equal(unknown, Text(JobHeader.Parse(Encoding.UTF8.GetBytes(unknown))));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{\"a\":\"x\"}")]
    [InlineData("{\"a\"")]
    [InlineData("{\"a\":1.5}")]
    [InlineData("{\"\\ud800\":1}")]
    [InlineData("{\"to\":9223372036854775807}")]
    [InlineData("{\"to\":-1}")]
    [InlineData("{\"rd\":86400001}")]
    [InlineData("{\"mr\":2147483647}")]
    [InlineData("{\"a\":-1}")]
    [InlineData("{\"e\":100000000000000}")]
    [InlineData("{\"er\":[{\"at\":100000000000000}]}")]
    [InlineData("{\"er\":[{\"at\":\"x\"}]}")]
    [InlineData("x")]
    public void Header_that_is_none_is_a_json_error(string text) =>
        Assert.ThrowsAny<System.Text.Json.JsonException>(() => JobHeader.Parse(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void Errors_are_bounded_in_number_and_length()
    {
        var header = new JobHeader();
        for (var i = 1; i <= 12; i++) header.AddError(new JobError(i, i, "error", new string('x', 5000)));

        Assert.Equal(Enumerable.Range(3, JobHeader.MaxErrors), header.Errors.Select(e => e.Attempt));
        Assert.All(header.Errors, e => Assert.Equal(JobHeader.MaxErrorMessage, e.Message.Length));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Header_rewritten_by_a_script_keeps_all_of_our_members(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var header = Full();
        (header.Raw, header.Outcome, header.EnqueuedAt, header.DependsOn, header.PayloadLength) = (false, null, 0, [], null);
        var seq = await queue.EnqueueAsync("payload", h => Copy(header, h));
        Assert.Equal("cancelled", await queue.CancelAsync(header.Id!, "stop"));

        var after = (await queue.RecordAsync(seq))!.Header;
        Assert.Equal((JobState.Cancelled, "stop"), (after.Outcome, after.Reason));
        Assert.True(after.FinishedAt > 1_700_000_000_125);
        (header.EnqueuedAt, header.Outcome, header.Reason, header.FinishedAt) = (after.EnqueuedAt, after.Outcome, after.Reason, after.FinishedAt);
        Assert.Equal(Text(header), Text(after));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Unknown_members_survive_a_script(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var seq = await queue.EnqueueAsync("payload");
        await queue.Do("HSET", queue.Keys.JobsOf(seq), $"{seq}", "{\"e\":1700000000123,\"zz\":{\"deep\":[1,\"x\"]},\"yy\":12345678901234}\npayload");

        await queue.CancelAsync($"e1-{seq}");

        // An empty array may come back as an object, and a number of more than 14 digits rounded: cjson knows no better.
        var text = Text((await queue.RecordAsync(seq))!.Header);
        Assert.Contains("\"zz\":{\"deep\":[1,\"x\"]}", text, StringComparison.Ordinal);
        Assert.Contains("\"yy\":12345678901234", text, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Text_inside_strings_is_no_member(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var seq = await queue.EnqueueAsync(Spoof, h => (h.SessionId, h.TraceState, h.ReplyTo, h.Silo) = (Spoof, Spoof, Spoof, Spoof));
        var other = await queue.EnqueueAsync("other", h => h.Priority = 4);

        var started = await queue.StartAsync();

        Assert.Equal([other, seq], started.Jobs.Select(j => j.Seq));
        Assert.Equal((JobState.Running, 1, Spoof), ((await queue.StateAsync(seq))!.Value, (await queue.ViewAsync(seq))!.Attempt, (await queue.ViewAsync(seq))!.Header.SessionId));
        await queue.SettleAsync(seq, 1, Settlement.Release);
        Assert.Equal(JobState.Queued, await queue.StateAsync(seq));
        Assert.Equal(Spoof, Ledger.Payload((await queue.RecordAsync(seq))!));
    }

    private static void Copy(JobHeader from, JobHeader to)
    {
        foreach (var property in typeof(JobHeader).GetProperties().Where(p => p.CanWrite)) property.SetValue(to, property.GetValue(from));
    }
}

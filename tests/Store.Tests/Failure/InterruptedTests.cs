using System.Globalization;
using Gristmill.Redis;
using Gristmill.Store.Payloads;
using Gristmill.Store.Sessions;
using Gristmill.Store.Tests.Support;
using Gristmill.Testing;

namespace Gristmill.Store.Tests.Failure;

/// <summary>
/// Scripts that end in the midst, at each of their writes: the composed text gets a redis.call that counts writes and
/// raises. No server does that of itself; it stands for a fault in a script, a command that an ACL forbids, a crash of a
/// server whose log is not whole.
/// </summary>
public sealed class InterruptedTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private const string Prelude = """
        local real_call, writes = redis.call, 0
        local is_write = { HSET = 1, HDEL = 1, HINCRBY = 1, ZADD = 1, ZREM = 1, ZREMRANGEBYSCORE = 1, RPUSH = 1, LTRIM = 1, PUBLISH = 1 }
        local redis = { call = function(name, ...)
          if is_write[name] then
            writes = writes + 1
            if writes == INTERRUPT then error('interrupted at ' .. name) end
          end
          return real_call(name, ...)
        end }

        """;

    [Theory, MemberData(nameof(Rows.StepsOnBoth), MemberType = typeof(Rows))]
    public async Task Step_that_ends_at_any_write_loses_nothing_and_is_whole_when_made_again(StoreKind kind, string verb)
    {
        var server = await stores.GetAsync(kind);
        // A client's step that ends in the midst can leave a record without a place, which never runs.
        var phantoms = verb is "enqueue" or "requeue";
        string whole;
        HashSet<string> told;
        IReadOnlyDictionary<string, long> totals;
        await using (var queue = await OpenAsync(server))
        {
            var act = await Scenario.Of(verb).ArrangeAsync(queue);
            await act(queue.Store);
            whole = (await Ledger.ReadAsync(queue)).States(phantoms);
            totals = (await queue.Store.CountAsync(TestQueue.Stop)).Totals;
            told = await RepliesAsync(queue);
            if (verb is "cancel" or "claim" or "enqueue" or "reap" or "settle") Assert.NotEmpty(told);
        }

        for (var write = 1; ; write++)
        {
            await using var queue = await OpenAsync(server);
            var act = await Scenario.Of(verb).ArrangeAsync(queue);
            var before = await Ledger.ReadAsync(queue);
            var failure = await Record.ExceptionAsync(() => act(Interrupted(queue, write)));
            if (failure is null)
            {
                Assert.True(write > 1, "the step writes nothing");
                return;
            }

            Assert.Contains("interrupted at", Assert.IsType<RedisServerException>(failure).Message, StringComparison.Ordinal);
            AssertNothingLost(verb, write, before, await Ledger.ReadAsync(queue));
            await act(queue.Store);
            var after = await Ledger.ReadAsync(queue);
            // The counter of finished jobs may count a line twice: trim sets it right.
            var faults = after.Faults(counts: false, phantoms);
            Assert.Subset(await RepliesAsync(queue), told);
            var last = verb == "claim" && failure.Message.Contains("LTRIM", StringComparison.Ordinal);
            Assert.True(faults.Length == 0, $"{verb}, write {write}, {failure.Message}:\n{faults}");
            // Only where the very removal from the list fails do its items run twice.
            // Totals may count twice what ends in the midst, but never leave it out.
            var missing = Missing(totals, (await queue.Store.CountAsync(TestQueue.Stop)).Totals);
            Assert.True(missing.Length == 0, $"{verb}, write {write}, {failure.Message}: {missing}");
            if (!last) Assert.True(whole == after.States(phantoms), $"{verb}, write {write}, {failure.Message}: expected\n{whole}\nactual\n{after.States(phantoms)}");
        }
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Settlement_after_a_completion_that_ended_in_the_midst_does_the_rest_of_it(StoreKind kind)
    {
        var server = await stores.GetAsync(kind);
        // The last write takes the job out of the running ones; before the fifth its record is not written.
        for (var write = 5; ; write++)
        {
            await using var queue = await TestQueue.OpenAsync(server);
            var (seq, counter) = await queue.RunningAsync("done");
            var completion = await queue.CompletionAsync(seq, counter);
            if (await Record.ExceptionAsync(async () => await Interrupted(queue, write).CompleteAsync(TestQueue.Generation, [completion], [], TestQueue.Stop)) is null)
            {
                Assert.True(write > 7, $"only {write} writes");
                return;
            }

            foreach (var how in new[] { Settlement.Retry, Settlement.Release })
            {
                var reply = await queue.Store.SettleAsync(TestQueue.Generation, [new Settled(seq, counter, how, 0, null)], TestQueue.Stop);
                Assert.Equal(how == Settlement.Retry ? [] : [seq], reply.Refused);
                Assert.Equal(JobState.Completed, await queue.StateAsync(seq));
                Assert.Equal(1, (await queue.Store.CountAsync(TestQueue.Stop)).Totals["completed"]);
                var faults = (await Ledger.ReadAsync(queue)).Faults(counts: false);
                Assert.True(faults.Length == 0, $"write {write}: {faults}");
            }
        }
    }

    private static void AssertNothingLost(string verb, int write, Ledger before, Ledger after)
    {
        if (verb is "purge" or "trim") return;
        foreach (var payload in before.Listed.Concat(before.Records.Values.Select(Ledger.Payload)))
        {
            // A duplicate is what admit drops; edited is what requeue writes instead.
            if (payload is "twice" || (verb == "requeue" && payload == "named")) continue;
            Assert.True(after.Times(payload) > 0, $"{verb}, write {write}: {payload} is lost.\n{after.States()}");
        }
    }

    private static string Missing(IReadOnlyDictionary<string, long> expected, IReadOnlyDictionary<string, long> actual) =>
        string.Join(", ", expected.Where(e => actual[e.Key] < e.Value).Select(e => $"the total of {e.Key} is {actual[e.Key]} and not {e.Value}"));

    private static async Task<TestQueue> OpenAsync(IRedisServer server)
    {
        var queue = await TestQueue.OpenAsync(server);
        (queue.ReplyTo, queue.Lists) = ("replies", new ForeignLists(null, ["replies"], PayloadFields.Default));
        queue.Sessions = new SessionPolicy { Finalises = true };
        await queue.JoinAsync();
        return queue;
    }

    // What who waits will hear, whoever it comes from; more than once does no harm.
    private static async Task<HashSet<string>> RepliesAsync(TestQueue queue)
    {
        await queue.Store.SendOutboxAsync("me", ShortMessages.Instance, TestQueue.Stop);
        return (await queue.Do("LRANGE", "replies", "0", "-1")).AsList().Select(m => m.AsString()).ToHashSet();
    }

    private static QueueStore Interrupted(TestQueue queue, int write)
    {
        var prelude = Prelude.Replace("INTERRUPT", write.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
        return new QueueStore(queue.Redis, queue.Keys) { ScriptOf = s => new RedisScript(s.Name, prelude + s.Script.Body) };
    }
}

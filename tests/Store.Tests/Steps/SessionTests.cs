using System.Globalization;
using Gristmill.Store.Sessions;
using Gristmill.Store.Tests.Support;
using Gristmill.Testing;

namespace Gristmill.Store.Tests.Steps;

/// <summary>Jobs of a session: their order, their limit, their end, on both servers.</summary>
public sealed class SessionTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static readonly SessionPolicy Arrival = new() { Sticky = TimeSpan.Zero };
    private static readonly SessionPolicy Sequence = Arrival with { Order = SessionOrder.Sequence };

    private long _counter = 1000;

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Jobs_of_a_session_start_one_at_a_time_in_the_order_in_which_they_came(StoreKind kind)
    {
        await using var queue = await OpenAsync(kind, Arrival);
        var seqs = new[] { await JobAsync(queue, "a"), await JobAsync(queue, "a"), await JobAsync(queue, "b"), await JobAsync(queue, "a") };

        Assert.Equal([seqs[0], seqs[2]], await StartAsync(queue));
        Assert.Empty(await StartAsync(queue));
        await DoneAsync(queue, seqs[0]);
        Assert.Equal([seqs[1]], await StartAsync(queue));
        await DoneAsync(queue, seqs[2]);
        Assert.Empty(await StartAsync(queue));
        await DoneAsync(queue, seqs[1]);
        Assert.Equal([seqs[3]], await StartAsync(queue));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Sessions_take_turns_though_all_jobs_of_one_came_before_those_of_another(StoreKind kind)
    {
        await using var queue = await OpenAsync(kind, Arrival);
        var came = new List<(string Session, long Seq)>();
        foreach (var session in (string[])["a", "a", "a", "b", "b", "b", "c", "c", "c"]) came.Add((session, await JobAsync(queue, session)));

        var order = new List<string>();
        for (var n = 0; n < came.Count; n++)
        {
            var seq = Assert.Single(await StartAsync(queue, 1));
            order.Add(came.Find(c => c.Seq == seq).Session);
            await DoneAsync(queue, seq);
        }

        Assert.Equal("abcabcabc", string.Concat(order));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task No_more_of_a_session_run_than_its_limit(StoreKind kind)
    {
        await using var queue = await OpenAsync(kind, Arrival with { Concurrency = 3 });
        var seqs = new List<long>();
        for (var n = 0; n < 8; n++) seqs.Add(await JobAsync(queue, "a"));

        Assert.Equal(seqs[..3], await StartAsync(queue));
        await DoneAsync(queue, seqs[1]);
        Assert.Equal([seqs[3]], await StartAsync(queue));
        var view = await queue.Store.SessionAsync("a", TestQueue.Stop);
        Assert.Equal((3, 4, 1, 8), (view!.Active, view.Waiting, view.Done, view.Arrived));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task A_job_that_is_tried_again_holds_its_session_and_a_lost_one_too(StoreKind kind)
    {
        await using var queue = await OpenAsync(kind, Arrival);
        var (first, second) = (await JobAsync(queue, "a"), await JobAsync(queue, "a"));
        await StartAsync(queue);
        await EndAsync(queue, first, Settlement.Retry, 3_600_000);
        Assert.Empty(await StartAsync(queue));
        await queue.MakeDueAsync("retrying", first);
        Assert.Equal([first], await StartAsync(queue));
        await EndAsync(queue, first, Settlement.Release);
        Assert.Equal([first], await StartAsync(queue));
        await DoneAsync(queue, first);
        Assert.Equal([second], await StartAsync(queue));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Jobs_go_by_their_numbers_however_they_come(StoreKind kind)
    {
        await using var queue = await OpenAsync(kind, Sequence);
        var three = await JobAsync(queue, "a", 2);
        var two = await JobAsync(queue, "a", 1);
        Assert.Empty(await StartAsync(queue));
        var one = await JobAsync(queue, "a", 0);
        foreach (var seq in new[] { one, two, three })
        {
            Assert.Equal([seq], await StartAsync(queue));
            await DoneAsync(queue, seq);
        }

        Assert.Equal([one, two, three], (await queue.Store.SessionJobsAsync("a", null, 10, TestQueue.Stop)).Jobs.Select(j => j.Job.Seq));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task A_gap_is_waited_for_and_then_given_up_and_what_comes_late_still_runs(StoreKind kind)
    {
        await using var queue = await OpenAsync(kind, Sequence);
        var fourth = await JobAsync(queue, "a", 3);
        Assert.Empty(await StartAsync(queue));
        Assert.Empty((await StepAsync(queue)).Gaps);
        Assert.Empty(await StartAsync(queue));

        await LetPassAsync(queue, "a");
        Assert.Equal([("a", 3L)], (await StepAsync(queue)).Gaps);
        Assert.Equal([fourth], await StartAsync(queue));
        await DoneAsync(queue, fourth);
        var late = await JobAsync(queue, "a", 1);
        Assert.Equal([late], await StartAsync(queue));
        Assert.Equal(2, (await queue.Store.SessionAsync("a", TestQueue.Stop))!.Missing);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task A_declared_count_ends_a_session_and_its_last_numbers_are_waited_for_too(StoreKind kind)
    {
        await using var queue = await OpenAsync(kind, Sequence);
        var one = await JobAsync(queue, "a", 0, h => h.SessionTotal = 3);
        await StartAsync(queue);
        await DoneAsync(queue, one);
        var two = await JobAsync(queue, "a", 1);
        await StartAsync(queue);
        await DoneAsync(queue, two);
        Assert.Equal(SessionState.Open, await StateAsync(queue, "a"));
        await LetPassAsync(queue, "a");
        Assert.Equal([("a", 1L)], (await StepAsync(queue)).Gaps);
        Assert.Equal(SessionState.Completed, await StateAsync(queue, "a"));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task A_session_ends_by_its_last_job_by_command_and_by_idle_time(StoreKind kind)
    {
        await using var queue = await OpenAsync(kind, Arrival with { Idle = TimeSpan.FromMinutes(1) });
        var last = await JobAsync(queue, "by-job", with: h => h.SessionEnd = true);
        var told = await JobAsync(queue, "by-command");
        var idle = await JobAsync(queue, "by-time");
        await StartAsync(queue);
        foreach (var seq in new[] { last, told, idle }) await DoneAsync(queue, seq);
        Assert.Equal(SessionState.Completed, await StateAsync(queue, "by-job"));
        Assert.Equal(SessionState.Open, await StateAsync(queue, "by-command"));
        Assert.Equal("ended", await queue.Store.EndSessionAsync("by-command", TestQueue.Stop));
        Assert.Equal(SessionState.Completed, await StateAsync(queue, "by-command"));
        Assert.Equal("over", await queue.Store.EndSessionAsync("by-command", TestQueue.Stop));
        Assert.Equal("unknown", await queue.Store.EndSessionAsync("nobody", TestQueue.Stop));
        await StepAsync(queue);
        Assert.Equal(SessionState.Open, await StateAsync(queue, "by-time"));
        await LetPassAsync(queue, "by-time");
        await StepAsync(queue);
        Assert.Equal(SessionState.Completed, await StateAsync(queue, "by-time"));

        // What comes behind the end begins anew.
        var again = await JobAsync(queue, "by-job");
        Assert.Equal([again], await StartAsync(queue));
        Assert.Equal(1, (await queue.Store.SessionAsync("by-job", TestQueue.Stop))!.Arrived);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task A_failed_job_fails_its_session_is_skipped_or_waited_for_as_the_policy_says(StoreKind kind)
    {
        foreach (var policy in Enum.GetValues<SessionFailure>())
        {
            await using var queue = await OpenAsync(kind, Arrival with { OnFailure = policy });
            var (bad, next) = (await JobAsync(queue, "a"), await JobAsync(queue, "a"));
            await StartAsync(queue);
            await EndAsync(queue, bad, Settlement.Bury);
            await StepAsync(queue);
            var view = (await queue.Store.SessionAsync("a", TestQueue.Stop))!;
            if (policy == SessionFailure.Fail)
            {
                Assert.Equal((SessionState.Failed, 1, 1), (view.State, view.Failed, view.Cancelled));
                Assert.Equal(("session_failed", JobState.Cancelled), (await ReasonAsync(queue, next), await queue.StateAsync(next)));
                var late = await JobAsync(queue, "a");
                await StepAsync(queue);
                Assert.Equal(JobState.Cancelled, await queue.StateAsync(late));
            }
            else if (policy == SessionFailure.Skip)
            {
                Assert.Equal([next], await StartAsync(queue));
                Assert.Equal(1, view.Failed);

                // Another life is in its turn again: the limit holds for it too.
                await queue.Store.RequeueAsync([(bad, null)], TestQueue.Window, TestQueue.Stop);
                Assert.Empty(await StartAsync(queue));
                await DoneAsync(queue, next);
                Assert.Equal([bad], await StartAsync(queue));
                Assert.Equal(0, (await queue.Store.SessionAsync("a", TestQueue.Stop))!.Failed);
            }
            else
            {
                Assert.Empty(await StartAsync(queue));
                Assert.Equal([bad], view.HeldBy);
                await queue.Store.RequeueAsync([(bad, null)], TestQueue.Window, TestQueue.Stop);
                Assert.Equal([bad], await StartAsync(queue));
                await EndAsync(queue, bad, Settlement.Bury);
                Assert.Empty(await StartAsync(queue));
                await queue.Store.PurgeAsync([bad], TestQueue.Stop);
                Assert.Equal([next], await StartAsync(queue));
            }

            Assert.Equal(string.Empty, (await Ledger.ReadAsync(queue)).Faults());
        }
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Cancelling_a_session_ends_all_that_it_holds(StoreKind kind)
    {
        await using var queue = await OpenAsync(kind, Arrival with { Concurrency = 2 });
        var seqs = new List<long>();
        for (var n = 0; n < 6; n++) seqs.Add(await JobAsync(queue, "a"));
        var other = await JobAsync(queue, "b");
        Assert.Equal([seqs[0]], await StartAsync(queue, 1));
        Assert.Equal("cancelling", await queue.Store.CancelSessionAsync("a", TestQueue.Stop));
        await StepAsync(queue);
        foreach (var seq in seqs[1..]) Assert.Equal(JobState.Cancelled, await queue.StateAsync(seq));
        var renewed = await queue.Store.RenewAsync(TestQueue.Generation, "s", TestQueue.Ttl, false, null, Arrival, TestQueue.Stop);
        Assert.Equal("session_cancelled", renewed.Cancels[seqs[0]]);
        Assert.Equal(SessionState.Cancelling, await StateAsync(queue, "a"));
        await EndAsync(queue, seqs[0], Settlement.Cancel);
        Assert.Equal(SessionState.Cancelled, await StateAsync(queue, "a"));
        Assert.Equal([other], await StartAsync(queue));
        Assert.Equal(string.Empty, (await Ledger.ReadAsync(queue)).Faults());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task A_session_to_be_finalised_is_told_to_one_until_it_is_closed_and_forgotten_in_the_end(StoreKind kind)
    {
        await using var queue = await OpenAsync(kind, Arrival with { Finalises = true });
        var seq = await JobAsync(queue, "a", with: h => h.SessionEnd = true);
        await StartAsync(queue);
        await DoneAsync(queue, seq);
        Assert.Equal(["a"], (await StepAsync(queue)).Finals);
        Assert.Empty((await StepAsync(queue)).Finals);
        await LetPassAsync(queue, "a");
        Assert.Equal(["a"], (await StepAsync(queue)).Finals);
        await queue.Store.CloseSessionAsync("a", TestQueue.Stop);
        Assert.Equal(SessionState.Completed, await StateAsync(queue, "a"));
        await LetPassAsync(queue, "a");
        await StepAsync(queue);
        Assert.Null(await queue.Store.SessionAsync("a", TestQueue.Stop));
        foreach (var key in new[] { "sessions", "members", "line", "sessiondue", "sticky", "unread" }) Assert.Equal(0, (await queue.Do("EXISTS", queue.Keys.Of(key))).AsInteger());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Progress_in_common_weighs_running_jobs_and_never_goes_back(StoreKind kind)
    {
        await using var queue = await OpenAsync(kind, Arrival);
        var first = await JobAsync(queue, "a");
        Assert.Null((await queue.Store.SessionAsync("a", TestQueue.Stop))!.Percent);
        await JobAsync(queue, "a", with: h => h.SessionTotal = 4);
        await StartAsync(queue);
        await queue.Store.ProgressAsync(TestQueue.Generation, [(first, await CounterAsync(queue, first), new JobProgress(1, 2, null))], TestQueue.Stop);
        Assert.Equal(12.5, (await queue.Store.SessionAsync("a", TestQueue.Stop))!.Percent);
        await EndAsync(queue, first, Settlement.Release);
        Assert.Equal(12.5, (await queue.Store.SessionAsync("a", TestQueue.Stop))!.Percent);
        await StartAsync(queue);
        await DoneAsync(queue, first);
        Assert.Equal(25, (await queue.Store.SessionAsync("a", TestQueue.Stop))!.Percent);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task The_next_job_is_left_to_the_silo_that_served_the_session_for_a_while(StoreKind kind)
    {
        await using var queue = await OpenAsync(kind, Arrival with { Sticky = TimeSpan.FromHours(1) });
        await queue.JoinAsync(TestQueue.Other);
        var (first, second, third) = (await JobAsync(queue, "a"), await JobAsync(queue, "a"), await JobAsync(queue, "a"));
        await StartAsync(queue);
        await DoneAsync(queue, first);
        Assert.Empty(await StartAsync(queue, generation: TestQueue.Other));
        Assert.Equal([second], await StartAsync(queue));
        await DoneAsync(queue, second);

        // Of a silo that is gone nobody expects it.
        await queue.Do("ZREM", queue.Keys.Of("leases"), TestQueue.Generation);
        Assert.Equal([third], await StartAsync(queue, generation: TestQueue.Other));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Nothing_is_claimed_while_items_that_were_taken_in_are_not_read(StoreKind kind)
    {
        await using var queue = await OpenAsync(kind, Arrival);
        await queue.PushAsync("one", "two", "three");
        var claimed = await queue.ClaimAsync(2, start: false);
        Assert.Equal(StoreStatus.Reading, (await queue.ClaimAsync(2, start: false)).Status);
        Admission Of(int i) => new(claimed.Items[i].Seq, 1, false, new JobHeader { SessionId = "a", EnqueuedAt = 1 }, "p");
        await queue.Store.AdmitAsync(TestQueue.Generation, [Of(0)], TestQueue.Window, TestQueue.Stop);
        Assert.Equal(StoreStatus.Reading, (await queue.ClaimAsync(2, start: false)).Status);
        await queue.Store.AdmitAsync(TestQueue.Generation, [Of(1)], TestQueue.Window, TestQueue.Stop);
        Assert.Single((await queue.ClaimAsync(2, start: false)).Items);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task A_session_that_waits_for_a_running_job_to_end_is_looked_at_again_only_in_a_moment(StoreKind kind)
    {
        await using var queue = await OpenAsync(kind, Arrival);
        var seq = await JobAsync(queue, "a");
        await StartAsync(queue);
        await queue.Store.CancelSessionAsync("a", TestQueue.Stop);
        await StepAsync(queue);
        Assert.InRange((await queue.Do("ZSCORE", queue.Keys.Of("sessiondue"), "a")).AsDouble(), await queue.NowAsync() + 1, double.MaxValue);
        await EndAsync(queue, seq, Settlement.Cancel);
        Assert.Equal(SessionState.Cancelled, await StateAsync(queue, "a"));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task A_session_that_is_over_is_forgotten_though_a_dead_letter_of_it_is_purged(StoreKind kind)
    {
        await using var queue = await OpenAsync(kind, Arrival);
        var bad = await JobAsync(queue, "a", with: h => h.SessionEnd = true);
        await StartAsync(queue);
        await EndAsync(queue, bad, Settlement.Bury);
        Assert.Equal(SessionState.Completed, await StateAsync(queue, "a"));
        await queue.Store.PurgeAsync([bad], TestQueue.Stop);
        Assert.False((await queue.Do("ZSCORE", queue.Keys.Of("sessiondue"), "a")).IsNull);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task A_job_that_comes_before_the_end_is_closed_belongs_to_the_session_still(StoreKind kind)
    {
        await using var queue = await OpenAsync(kind, Arrival with { Finalises = true });
        var first = await JobAsync(queue, "a", with: h => h.SessionEnd = true);
        await StartAsync(queue);
        await DoneAsync(queue, first);
        var second = await JobAsync(queue, "a");
        await queue.Store.CloseSessionAsync("a", TestQueue.Stop);
        Assert.Equal([second], await StartAsync(queue));
        await DoneAsync(queue, second);
        Assert.Equal(["a"], (await StepAsync(queue)).Finals);
        Assert.Equal([first, second], (await queue.Store.SessionJobsAsync("a", null, 10, TestQueue.Stop)).Jobs.Select(j => j.Job.Seq));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task A_cancelled_job_that_was_not_read_keeps_nothing_from_being_claimed(StoreKind kind)
    {
        await using var queue = await OpenAsync(kind, Arrival);
        await queue.FirstTickAsync();
        await queue.JoinAsync(TestQueue.Other);
        await queue.PushAsync("one", "two");
        var taken = await queue.ClaimAsync(1, start: false);
        await queue.ExpireAsync();
        await queue.Store.ReapAsync(TestQueue.Reaping, TestQueue.Stop);
        await queue.JoinAsync();
        Assert.Equal(StoreStatus.Reading, (await queue.ClaimAsync(1, start: false)).Status);
        Assert.Equal("cancelled", await queue.CancelAsync($"{taken.Epoch}-{taken.Items[0].Seq}"));
        Assert.Single((await queue.ClaimAsync(1, start: false)).Items);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task A_dead_letter_with_another_payload_leaves_its_session_until_that_is_read(StoreKind kind)
    {
        await using var queue = await OpenAsync(kind, Arrival with { OnFailure = SessionFailure.Wait });
        var (bad, next) = (await JobAsync(queue, "a"), await JobAsync(queue, "a"));
        await StartAsync(queue);
        await EndAsync(queue, bad, Settlement.Bury);
        await queue.Store.RequeueAsync([(bad, "{}"u8.ToArray())], TestQueue.Window, TestQueue.Stop);
        Assert.Equal([bad, next], (await StartAsync(queue)).Order());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task The_policy_stays_while_there_are_sessions_whoever_renews(StoreKind kind)
    {
        await using var queue = await OpenAsync(kind, Arrival);
        var (first, second) = (await JobAsync(queue, "a"), await JobAsync(queue, "a"));
        await StartAsync(queue);
        await queue.Store.RenewAsync(TestQueue.Generation, "s", TestQueue.Ttl, false, null, null, TestQueue.Stop);
        await DoneAsync(queue, first);
        Assert.Equal([second], await StartAsync(queue));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task A_number_that_comes_late_is_missing_no_more_and_what_ends_early_counts(StoreKind kind)
    {
        await using var queue = await OpenAsync(kind, Sequence);
        foreach (var number in new[] { 0, 2 }) await JobAsync(queue, "a", number, h => h.SessionTotal = 4);
        await DoneAsync(queue, (await StartAsync(queue))[0]);
        await LetPassAsync(queue, "a");
        await StepAsync(queue);
        await JobAsync(queue, "a", 1);
        Assert.Equal((SessionState.Open, 0), (await StateAsync(queue, "a"), (int)(await queue.Store.SessionAsync("a", TestQueue.Stop))!.Missing));

        // It never had its place in the line: it was scheduled.
        var early = await JobAsync(queue, "a", 3, h => (h.Id, h.Due) = ("early", JobHeader.MaxTime));
        await queue.CancelAsync("early");
        Assert.Equal(JobState.Cancelled, await queue.StateAsync(early));
        Assert.Equal(SessionState.Ending, await StateAsync(queue, "a"));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task A_step_that_ended_before_a_started_job_left_the_line_starts_it_once_and_holds_nobody_up(StoreKind kind)
    {
        await using var queue = await OpenAsync(kind, Arrival);
        var (first, second) = (await JobAsync(queue, "a"), await JobAsync(queue, "a"));
        Assert.Equal([first], await StartAsync(queue));
        var place = (await queue.Do("ZSCORE", queue.Keys.Of("members"), Text(first))).AsDouble();
        await queue.Do("ZADD", queue.Keys.Of("line"), place.ToString("R", CultureInfo.InvariantCulture), Text(first));

        // Each of these touches the session.
        var third = await JobAsync(queue, "a");
        Assert.Empty(await StartAsync(queue));
        await queue.Do("ZADD", queue.Keys.Of("line"), place.ToString("R", CultureInfo.InvariantCulture), Text(first));
        await DoneAsync(queue, first);
        Assert.Equal([second], await StartAsync(queue));
        await DoneAsync(queue, second);
        Assert.Equal([third], await StartAsync(queue));
        await DoneAsync(queue, third);
        var view = await queue.Store.SessionAsync("a", TestQueue.Stop);
        Assert.Equal((0, 0, 3), (view!.Active, view.Waiting, view.Done));
    }

    private async Task<TestQueue> OpenAsync(StoreKind kind, SessionPolicy policy)
    {
        var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind), join: false);
        queue.Sessions = policy;
        await queue.JoinAsync();
        return queue;
    }

    private static Task<long> JobAsync(TestQueue queue, string session, int? sequence = null, Action<JobHeader>? with = null) =>
        queue.EnqueueAsync("job", h =>
        {
            (h.SessionId, h.Sequence) = (session, sequence);
            with?.Invoke(h);
        });

    private async Task<long[]> StartAsync(TestQueue queue, int max = 100, string generation = TestQueue.Generation) =>
        [.. (await queue.Store.StartAsync(generation, ++_counter, max, 1 << 20, 0, TestQueue.Stop)).Jobs.Select(j => j.Seq)];

    private static async Task DoneAsync(TestQueue queue, long seq) => await queue.CompleteAsync(seq, await CounterAsync(queue, seq));

    private static async Task EndAsync(TestQueue queue, long seq, Settlement how, long delay = 0) => await queue.SettleAsync(seq, await CounterAsync(queue, seq), how, delay);

    // The counter under which the job is held now.
    private static async Task<long> CounterAsync(TestQueue queue, long seq) =>
        long.Parse((await queue.Do("HGET", queue.Keys.Of("running"), Text(seq))).AsString().Split(' ')[0], CultureInfo.InvariantCulture);

    private static ValueTask<SessionStepReply> StepAsync(TestQueue queue) => queue.Store.StepSessionsAsync(100, TestQueue.Stop);

    // What time would bring about.
    private static ValueTask<Redis.RedisReply> LetPassAsync(TestQueue queue, string session) => queue.Do("ZADD", queue.Keys.Of("sessiondue"), "1", session);

    private static async Task<SessionState?> StateAsync(TestQueue queue, string session) => (await queue.Store.SessionAsync(session, TestQueue.Stop))?.State;

    private static async Task<string?> ReasonAsync(TestQueue queue, long seq) => (await queue.RecordAsync(seq))?.Header.Reason;

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}

namespace Gristmill.Store.Tests.Support;

/// <summary>
/// One step of each kind, with as much to do as it can have: the state before it, and the call, which may be made again.
/// The failure tests run all of them.
/// </summary>
/// <param name="Verb">The script.</param>
/// <param name="ArrangeAsync">Makes the state before, and returns the call.</param>
internal sealed record Scenario(string Verb, Func<TestQueue, Task<Func<QueueStore, Task>>> ArrangeAsync)
{
    private static readonly string[] IdsOfFamily = ["father", "mother"];

    /// <summary>Steps that do not wait for memory: they give it back, or time would run out without them.</summary>
    public static IReadOnlySet<string> EvenWithoutMemory { get; } =
        new HashSet<string> { "cancel", "complete", "control", "leave", "purge", "reap", "renew", "session_end", "session_step", "session_view", "settle", "trim" };

    public static IReadOnlyList<Scenario> All { get; } =
    [
        new("claim", ClaimAsync), new("start", StartAsync), new("admit", AdmitAsync), new("enqueue", EnqueueAsync),
        new("complete", CompleteAsync), new("settle", SettleAsync), new("progress", ProgressAsync), new("cancel", CancelAsync),
        new("renew", RenewAsync), new("leave", LeaveAsync), new("reap", ReapAsync), new("requeue", RequeueAsync),
        new("purge", PurgeAsync), new("trim", TrimAsync), new("control", ControlAsync),
        new("session_view", SessionViewAsync), new("session_end", SessionEndAsync), new("session_step", SessionStepAsync),
    ];

    public static Scenario Of(string verb) => All.Single(s => s.Verb == verb);

    private static async Task<Func<QueueStore, Task>> ClaimAsync(TestQueue queue)
    {
        await queue.PushAsync("one", "two", new string('L', 60), $$"""{"job_id":"large","reply_to":"{{queue.ReplyTo}}","x":"{{new string('L', 60)}}"}""", "five");
        return async store => await queue.ClaimAsync(4, store: store, with: r => r with { MaxPayload = 50 });
    }

    private static async Task<Func<QueueStore, Task>> StartAsync(TestQueue queue)
    {
        var due = await queue.EnqueueAsync("due", h => h.Due = JobHeader.MaxTime);
        await queue.MakeDueAsync("scheduled", due);
        var dueInSession = await queue.EnqueueAsync("due-in-a-session", h => (h.Due, h.SessionId) = (JobHeader.MaxTime, "s"));
        await queue.MakeDueAsync("scheduled", dueInSession);
        var (seq, counter) = await queue.RunningAsync("again");
        await queue.SettleAsync(seq, counter, Settlement.Retry);
        await queue.MakeDueAsync("retrying", seq);
        await queue.EnqueueAsync("ready");
        return async store => await store.StartAsync(TestQueue.Generation, 50, 10, 1 << 20, 0, TestQueue.Stop);
    }

    private static async Task<Func<QueueStore, Task>> AdmitAsync(TestQueue queue)
    {
        await queue.EnqueueAsync("known", h => h.Id = "known");
        await queue.CancelAsync("unwanted");
        await queue.PushAsync("kept", "placed", "twice", "cancelled", "child", "later", "first-of-s", "next-of-s");
        var claimed = await queue.ClaimAsync(start: false);
        var counter = 1L;
        var first = claimed.Items[0].Seq;
        Admission Of(int i, bool keep, string? id, Action<JobHeader>? with = null, string? print = null)
        {
            var header = new JobHeader { Id = id, EnqueuedAt = 1 };
            with?.Invoke(header);
            return new Admission(first + i, counter, keep, header, print ?? "p");
        }

        return async store => await store.AdmitAsync(
            TestQueue.Generation,
            [
                Of(0, true, "a"), Of(1, false, null), Of(2, false, "known", print: "print-known"), Of(3, true, "unwanted"),
                Of(4, false, null, h => h.DependsOn = ["known", "nobody"]), Of(5, false, "b", h => h.Due = JobHeader.MaxTime),
                Of(6, false, null, h => h.SessionId = "s"), Of(7, false, "c", h => h.SessionId = "s"),
            ],
            TestQueue.Window,
            TestQueue.Stop);
    }

    private static async Task<Func<QueueStore, Task>> EnqueueAsync(TestQueue queue)
    {
        await queue.EnqueueAsync("known", h => h.Id = "known");
        var (dead, counter) = await queue.RunningAsync("bad", h => h.Id = "bad");
        await queue.SettleAsync(dead, counter, Settlement.Bury);
        await queue.CancelAsync("unwanted");
        NewJob[] jobs =
        [
            TestQueue.New("new", h => h.Id = "new"), TestQueue.New("known", h => h.Id = "known"), TestQueue.New("unwanted", h => (h.Id, h.ReplyTo) = ("unwanted", queue.ReplyTo)),
            TestQueue.New("child", h => (h.Id, h.DependsOn) = ("child", ["known", "new"])), TestQueue.New("orphan", h => (h.Id, h.DependsOn, h.ReplyTo) = ("orphan", ["bad"], queue.ReplyTo)),
            TestQueue.New("later", h => (h.Id, h.Due) = ("later", JobHeader.MaxTime)),
            TestQueue.New("first-of-s", h => (h.Id, h.SessionId) = ("s1", "s")), TestQueue.New("next-of-s", h => (h.Id, h.SessionId) = ("s2", "s")),
        ];
        return async store => await store.EnqueueAsync(jobs, "e1", TestQueue.Window, 0, 0, TestQueue.Stop);
    }

    private static async Task<(long Father, long Mother, long Counter)> FamilyAsync(TestQueue queue)
    {
        var father = await queue.EnqueueAsync("father", h => (h.Id, h.SessionId) = ("father", "fathers"));
        var mother = await queue.EnqueueAsync("mother", h => (h.Id, h.SessionId) = ("mother", "mothers"));
        await queue.EnqueueAsync("next-father", h => h.SessionId = "fathers");
        await queue.EnqueueAsync("next-mother", h => h.SessionId = "mothers");
        await queue.EnqueueAsync("child", h => h.DependsOn = IdsOfFamily);
        await queue.EnqueueAsync("son", h => h.DependsOn = ["father"]);
        var counter = await queue.RunReadyAsync();
        await queue.Store.ProgressAsync(TestQueue.Generation, [(father, counter, new JobProgress(1, 2, "half"))], TestQueue.Stop);
        return (father, mother, counter);
    }

    private static async Task<Func<QueueStore, Task>> CompleteAsync(TestQueue queue)
    {
        var (father, mother, counter) = await FamilyAsync(queue);
        await queue.CancelAsync("mother");
        Completion[] done = [await queue.CompletionAsync(father, counter), await queue.CompletionAsync(mother, counter)];
        return async store => await store.CompleteAsync(TestQueue.Generation, done, [new OutboxMessage("replies", "r"u8.ToArray(), father)], TestQueue.Stop);
    }

    private static async Task<Func<QueueStore, Task>> SettleAsync(TestQueue queue)
    {
        var retried = await queue.EnqueueAsync("retried");
        var released = await queue.EnqueueAsync("released");
        var stopped = await queue.EnqueueAsync("stopped", h => h.Id = "stopped");
        var (father, mother, counter) = await FamilyAsync(queue);
        await queue.CancelAsync("stopped");
        Settled[] settled =
        [
            await queue.SettlementAsync(retried, counter, Settlement.Retry, 3_600_000), await queue.SettlementAsync(released, counter, Settlement.Release),
            await queue.SettlementAsync(stopped, counter, Settlement.Retry), await queue.SettlementAsync(father, counter, Settlement.Bury),
            await queue.SettlementAsync(mother, counter, Settlement.Cancel),
        ];
        return async store => await store.SettleAsync(TestQueue.Generation, settled, TestQueue.Stop);
    }

    private static async Task<Func<QueueStore, Task>> ProgressAsync(TestQueue queue)
    {
        var (seq, counter) = await queue.RunningAsync("one");
        return async store => await store.ProgressAsync(TestQueue.Generation, [(seq, counter, new JobProgress(1, 2, null))], TestQueue.Stop);
    }

    private static async Task<Func<QueueStore, Task>> CancelAsync(TestQueue queue)
    {
        await FamilyAsync(queue);
        await queue.EnqueueAsync("ready", h => h.Id = "ready");
        await queue.EnqueueAsync("later", h => (h.Id, h.Due) = ("later", JobHeader.MaxTime));
        await queue.EnqueueAsync("waiting", h => (h.Id, h.DependsOn) = ("waiting", ["ready"]));
        await queue.EnqueueAsync("orphan", h => h.DependsOn = ["waiting"]);
        await queue.EnqueueAsync("in-line", h => (h.Id, h.SessionId) = ("in-line", "fathers"));
        return async store => await store.CancelAsync(["father", "in-line", "ready", "later", "waiting", "nobody"], "why", TestQueue.Window, TestQueue.Stop);
    }

    private static async Task<Func<QueueStore, Task>> RenewAsync(TestQueue queue)
    {
        await queue.RunningAsync("one");
        return async store => await store.RenewAsync("new", "silo-new", TestQueue.Ttl, join: true, null, null, TestQueue.Stop);
    }

    private static async Task<Func<QueueStore, Task>> LeaveAsync(TestQueue queue)
    {
        await queue.JoinAsync(TestQueue.Other);
        await queue.RunningAsync("one");
        return async store => await store.LeaveAsync(TestQueue.Other, TestQueue.Stop);
    }

    private static async Task<Func<QueueStore, Task>> ReapAsync(TestQueue queue)
    {
        await queue.FirstTickAsync();
        await queue.JoinAsync(TestQueue.Other);
        await queue.EnqueueAsync("worn", h => h.Lost = 3);
        var stopped = await queue.EnqueueAsync("stopped", h => h.Id = "stopped");
        await FamilyAsync(queue);
        await queue.PushAsync("taken");
        await queue.ClaimAsync(start: false);
        await queue.CancelAsync("stopped");
        await queue.CancelAsync("mother");
        await queue.ExpireAsync();
        return async store => await store.ReapAsync(TestQueue.Reaping, TestQueue.Stop);
    }

    private static async Task<Func<QueueStore, Task>> RequeueAsync(TestQueue queue)
    {
        var dead = await queue.EnqueueAsync("dead");
        var named = await queue.EnqueueAsync("named", h => h.Id = "named");
        var done = await queue.EnqueueAsync("done");
        var counter = await queue.RunReadyAsync();
        var stopped = await queue.EnqueueAsync("stopped", h => h.Id = "stopped");
        await queue.SettleAsync(dead, counter, Settlement.Bury);
        await queue.SettleAsync(named, counter, Settlement.Bury);
        await queue.CompleteAsync(done, counter);
        await queue.CancelAsync("stopped");
        return async store => await store.RequeueAsync([(dead, null), (named, "edited"u8.ToArray()), (done, null), (stopped, null), (999, null)], TestQueue.Window, TestQueue.Stop);
    }

    private static async Task<Func<QueueStore, Task>> PurgeAsync(TestQueue queue)
    {
        var (dead, counter) = await queue.RunningAsync("dead");
        await queue.SettleAsync(dead, counter, Settlement.Bury);
        return async store => await store.PurgeAsync([dead, 999], TestQueue.Stop);
    }

    private static async Task<Func<QueueStore, Task>> TrimAsync(TestQueue queue)
    {
        await queue.Store.EnqueueAsync([TestQueue.New("live", h => h.Id = "live"), TestQueue.New("gone", h => h.Id = "gone")], "e1", TimeSpan.Zero, 0, 0, TestQueue.Stop);
        await queue.CancelAsync("gone");
        var (done, counter) = await queue.RunningAsync("done");
        await queue.CompleteAsync(done, counter);
        return async store => await store.TrimAsync(0, TestQueue.Ttl, TestQueue.Window, 100, TestQueue.Stop);
    }

    private static async Task<Func<QueueStore, Task>> SessionViewAsync(TestQueue queue)
    {
        await FamilyAsync(queue);
        await queue.Store.EndSessionAsync("fathers", TestQueue.Stop);
        return async store => await store.SessionAsync("fathers", TestQueue.Stop);
    }

    private static async Task<Func<QueueStore, Task>> SessionEndAsync(TestQueue queue)
    {
        await queue.EnqueueAsync("one", h => h.SessionId = "s");
        await queue.EnqueueAsync("two", h => h.SessionId = "s");
        return async store => await store.EndSessionAsync("s", TestQueue.Stop);
    }

    // One session is cancelled with a job that runs and one in line, one is to be finalised, one is over.
    private static async Task<Func<QueueStore, Task>> SessionStepAsync(TestQueue queue)
    {
        await FamilyAsync(queue);
        await queue.Store.CancelSessionAsync("mothers", TestQueue.Stop);
        foreach (var session in new[] { "over", "ended" })
        {
            var seq = await queue.EnqueueAsync(session, h => h.SessionId = session);
            var counter = await queue.RunReadyAsync();
            await queue.CompleteAsync(seq, counter);
            await queue.Store.EndSessionAsync(session, TestQueue.Stop);
        }

        await queue.Store.CloseSessionAsync("over", TestQueue.Stop);
        if (queue.Sessions is not null) await queue.Do("ZADD", queue.Keys.Of("sessiondue"), "1", "over");
        return async store => await store.StepSessionsAsync(100, TestQueue.Stop);
    }

    private static Task<Func<QueueStore, Task>> ControlAsync(TestQueue queue) =>
        Task.FromResult<Func<QueueStore, Task>>(async store => await store.SetModeAsync(QueueMode.Paused, TestQueue.Stop));
}

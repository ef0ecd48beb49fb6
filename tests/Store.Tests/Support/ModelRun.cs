using System.Globalization;
using System.Text;

namespace Gristmill.Store.Tests.Support;

/// <summary>One run of random steps: what was pushed, who holds what by the replies, and the check after each step.</summary>
internal sealed class ModelRun(TestQueue queue, Random random)
{
    private static readonly string[] Generations = [TestQueue.Generation, TestQueue.Other];
    private readonly Dictionary<long, (string Generation, long Counter, bool Started)> _held = [];
    private readonly HashSet<string> _items = [];
    private readonly List<string> _ids = [];
    private Dictionary<string, JobState?> _before = [];
    private int _made;

    public string Last { get; private set; } = "";

    public HashSet<string> Kinds { get; } = [];

    private static CancellationToken Stop => TestQueue.Stop;

    public async Task StepAsync()
    {
        (string Name, Func<Task> Act)[] steps =
        [
            ("push", PushAsync), ("push", PushAsync), ("claim", ClaimAsync), ("claim", ClaimAsync), ("admit", AdmitAsync), ("admit", AdmitAsync), ("start", StartAsync), ("start", StartAsync),
            ("enqueue", EnqueueAsync), ("enqueue", EnqueueAsync), ("complete", CompleteAsync), ("complete", CompleteAsync), ("settle", SettleAsync), ("settle", SettleAsync),
            ("stale", StaleAsync), ("cancel", CancelAsync), ("progress", ProgressAsync), ("due", DueAsync), ("reap", ReapAsync), ("requeue", RequeueAsync), ("purge", PurgeAsync), ("trim", TrimAsync),
        ];
        var (name, act) = steps[random.Next(steps.Length)];
        Last = name;
        Kinds.Add(name);
        await act();
        await CheckAsync(name);
    }

    private string Generation() => Generations[random.Next(2)];

    private string Payload(int more = 0)
    {
        var payload = $"p{++_made}{new string('x', more)}";
        _items.Add(payload);
        return payload;
    }

    private async Task PushAsync()
    {
        for (var i = random.Next(1, 6); i > 0; i--) await queue.PushAsync(Payload(random.Next(15) == 0 ? 300 : 0));
    }

    private async Task ClaimAsync()
    {
        var (generation, start) = (Generation(), random.Next(2) == 0);
        var counter = 0L;
        var reply = await queue.ClaimAsync(random.Next(1, 6), start, with: r => r with { Generation = generation, Counter = counter = r.Counter, MaxPayload = 200 });
        foreach (var item in reply.Items) _held[item.Seq] = (generation, counter, start);
    }

    private async Task AdmitAsync()
    {
        var taken = _held.Where(h => !h.Value.Started).Take(random.Next(1, 5)).ToList();
        foreach (var group in taken.GroupBy(h => h.Value.Generation))
        {
            var admissions = new List<Admission>();
            foreach (var (seq, held) in group)
            {
                var header = Wish(new JobHeader { EnqueuedAt = 1 });
                var print = random.Next(3) == 0 ? "other" : "same";
                admissions.Add(new Admission(seq, held.Counter, false, header, print));
            }

            var payloads = new Dictionary<long, string>();
            foreach (var admission in admissions) payloads[admission.Seq] = Ledger.Payload((await queue.RecordAsync(admission.Seq))!);
            var verdicts = await queue.Store.AdmitAsync(group.Key, admissions, TestQueue.Window, Stop);
            for (var i = 0; i < verdicts.Count; i++)
            {
                var seq = admissions[i].Seq;
                Assert.NotEqual(AdmitVerdict.Lost, verdicts[i]);
                if (verdicts[i] == AdmitVerdict.Duplicate) _items.Remove(payloads[seq]);
                if (verdicts[i] is AdmitVerdict.Admitted or AdmitVerdict.Duplicate) _held.Remove(seq);
                else await EndAsync(seq, verdicts[i] == AdmitVerdict.Conflict ? Settlement.Bury : Settlement.Cancel);
            }
        }
    }

    private JobHeader Wish(JobHeader header)
    {
        header.Priority = random.Next(10);
        if (random.Next(3) == 0)
        {
            header.Id = random.Next(3) == 0 && _ids.Count > 0 ? _ids[random.Next(_ids.Count)] : $"id{_made}.{random.Next(5)}";
            _ids.Add(header.Id);
        }

        if (random.Next(5) == 0) header.Due = JobHeader.MaxTime;
        if (random.Next(5) == 0 && _ids.Count > 0) header.DependsOn = [_ids[random.Next(_ids.Count)], .. random.Next(2) == 0 ? new[] { _ids[random.Next(_ids.Count)] } : []];
        return header;
    }

    private async Task StartAsync()
    {
        var (generation, counter) = (Generation(), queue.NextCounter());
        var reply = await queue.Store.StartAsync(generation, counter, random.Next(1, 8), 1 << 20, 0, Stop);
        foreach (var job in reply.Jobs)
        {
            Assert.True(_held.TryAdd(job.Seq, (generation, counter, true)), $"{job.Seq} was started while it is held");
        }
    }

    private async Task EnqueueAsync()
    {
        var payloads = new List<string>();
        var jobs = new List<NewJob>();
        for (var i = random.Next(1, 5); i > 0; i--)
        {
            payloads.Add(Payload());
            var header = Wish(new JobHeader());
            jobs.Add(new NewJob(header, random.Next(2) == 0 ? "same" : "other", Encoding.UTF8.GetBytes(payloads[^1])));
        }

        var results = (await queue.Store.EnqueueAsync(jobs, "e1", TestQueue.Window, 0, 0, Stop)).Results;
        for (var i = 0; i < results.Count; i++)
        {
            if (results[i].Verdict is AdmitVerdict.Duplicate or AdmitVerdict.Conflict) _items.Remove(payloads[i]);
        }
    }

    private List<KeyValuePair<long, (string Generation, long Counter, bool Started)>> Some() =>
        [.. _held.Where(h => h.Value.Started && random.Next(2) == 0).Take(4)];

    private async Task CompleteAsync()
    {
        foreach (var group in Some().GroupBy(h => h.Value.Generation))
        {
            var done = new List<Completion>();
            foreach (var (seq, held) in group) done.Add(await queue.CompletionAsync(seq, held.Counter));
            Assert.Empty((await queue.Store.CompleteAsync(group.Key, done, [], Stop)).Refused);
            foreach (var (seq, _) in group) _held.Remove(seq);
            if (random.Next(2) == 0) await UnchangedAsync(async () => Assert.Empty((await queue.Store.CompleteAsync(group.Key, done, [], Stop)).Refused));
        }
    }

    private async Task SettleAsync()
    {
        foreach (var (seq, _) in Some()) await EndAsync(seq, (Settlement)random.Next(4));
    }

    private async Task EndAsync(long seq, Settlement how)
    {
        var held = _held[seq];
        Assert.Empty((await queue.SettleAsync(seq, held.Counter, how, random.Next(2) * 3_600_000, held.Generation)).Refused);
        _held.Remove(seq);
    }

    // Steps under a token that is not the newest, or of a job that is not held at all.
    private async Task StaleAsync()
    {
        var seq = _held.Count > 0 && random.Next(3) > 0 ? _held.Keys.ElementAt(random.Next(_held.Count)) : random.Next(1, _made + 2);
        var (generation, counter) = _held.TryGetValue(seq, out var held) && random.Next(2) == 0
            ? (held.Generation == Generations[0] ? Generations[1] : Generations[0], held.Counter)
            : (Generation(), held.Counter + 1_000_000);
        await UnchangedAsync(async () =>
        {
            Assert.Equal([seq], (await queue.CompleteAsync(seq, counter, "{}", generation)).Refused);
            Assert.Equal([seq], (await queue.SettleAsync(seq, counter, (Settlement)random.Next(4), 0, generation)).Refused);
            Assert.Equal([seq], await queue.Store.ProgressAsync(generation, [(seq, counter, new JobProgress(1, 2, null))], Stop));
            var verdicts = await queue.Store.AdmitAsync(generation, [new Admission(seq, counter, true, new JobHeader { Id = "stale" }, "p")], TestQueue.Window, Stop);
            Assert.Equal([AdmitVerdict.Lost], verdicts);
        });
    }

    private async Task UnchangedAsync(Func<Task> act)
    {
        var before = await Dump.AllAsync(queue);
        await act();
        Assert.Equal(before, await Dump.AllAsync(queue));
    }

    private async Task CancelAsync()
    {
        var id = random.Next(3) switch { 0 => $"e1-{random.Next(1, _made + 2)}", 1 when _ids.Count > 0 => _ids[random.Next(_ids.Count)], _ => $"id{_made + 1}.{random.Next(5)}" };
        await queue.CancelAsync(id, random.Next(2) == 0 ? "why" : "");
    }

    private async Task ProgressAsync()
    {
        foreach (var (seq, held) in Some())
        {
            Assert.Empty(await queue.Store.ProgressAsync(held.Generation, [(seq, held.Counter, new JobProgress(1, 2, "m"))], Stop));
        }
    }

    private async Task DueAsync()
    {
        foreach (var index in (string[])["scheduled", "retrying"])
        {
            foreach (var member in (await queue.Do("ZRANGE", queue.Keys.Of(index), "0", "1")).AsList()) await queue.MakeDueAsync(index, member.AsInteger());
        }
    }

    private async Task ReapAsync()
    {
        var generation = Generation();
        var lost = random.Next(3) == 0;
        if (lost) await queue.ExpireAsync(generation);
        var reply = await queue.Store.ReapAsync(TestQueue.Reaping with { LostBudget = 1 }, Stop);
        Assert.Equal(("tick", lost ? 1 : 0), (reply.What, reply.Generations.Count));
        var gone = lost ? _held.Where(h => h.Value.Generation == generation).Select(h => h.Key).ToList() : [];
        foreach (var seq in gone) _held.Remove(seq);
        if (lost) await queue.JoinAsync(generation);
    }

    private async Task RequeueAsync()
    {
        var ledger = await Ledger.ReadAsync(queue);
        var some = ledger.Records.Values.Where(r => random.Next(6) == 0).Take(3).ToList();
        var replies = await queue.Store.RequeueAsync([.. some.Select(r => (r.Seq, (ReadOnlyMemory<byte>?)null))], TestQueue.Window, Stop);
        foreach (var (record, reply) in some.Zip(replies))
        {
            if (record.Header.Outcome is null) Assert.Equal("live", reply.Verdict);
            else Assert.Contains(reply.Verdict, (string[])["requeued", "conflict"]);
        }
    }

    private async Task PurgeAsync()
    {
        var ledger = await Ledger.ReadAsync(queue);
        foreach (var record in ledger.Records.Values.Where(r => random.Next(4) == 0).Take(3))
        {
            var purged = await queue.Store.PurgeAsync([record.Seq], Stop);
            Assert.Equal(record.Header.Outcome == JobState.Dead ? 1 : 0, purged);
            if (purged == 1) _items.Remove(Ledger.Payload(record));
        }
    }

    private async Task TrimAsync()
    {
        var before = await Ledger.ReadAsync(queue);
        await queue.Store.TrimAsync(10, TestQueue.Ttl, TestQueue.Window, 20, Stop);
        var after = await Ledger.ReadAsync(queue);
        foreach (var gone in before.Records.Values.Where(r => !after.Records.ContainsKey(r.Seq)))
        {
            Assert.Contains(gone.Header.Outcome, (JobState?[])[JobState.Completed, JobState.Cancelled]);
            _items.Remove(Ledger.Payload(gone));
        }
    }

    private async Task CheckAsync(string step)
    {
        var ledger = await Ledger.ReadAsync(queue);
        var faults = ledger.Faults();
        Assert.True(faults.Length == 0, faults);
        var found = ledger.Listed.Concat(ledger.Records.Values.Select(Ledger.Payload)).Order(StringComparer.Ordinal).ToList();
        Assert.Equal(_items.Order(StringComparer.Ordinal), found);
        var holders = ledger.Running.ToDictionary(r => long.Parse(r.Key, CultureInfo.InvariantCulture), r => RunningEntry.Parse(r.Value));
        Assert.Equal(_held.OrderBy(h => h.Key).Select(h => (h.Key, h.Value)), holders.OrderBy(h => h.Key).Select(h => (h.Key, (h.Value.Generation, h.Value.Counter, h.Value.Started))));

        var now = ledger.Records.Values.ToDictionary(Ledger.Payload, r => (JobState?)StateOf(ledger, r));
        foreach (var (payload, state) in now) AssertFollows(step, payload, _before.GetValueOrDefault(payload), state!.Value);
        _before = now;
        var counts = await queue.Store.CountAsync(Stop);
        Assert.Equal(
            ledger.Records.Count,
            counts.Queued + counts.Scheduled + counts.Deferred + counts.Retrying + counts.Running + counts.Dead + counts.Kept);
    }

    private static JobState StateOf(Ledger ledger, JobRecord record) => record.Header.Outcome ?? ledger.PlacesOf(record.Seq).Single() switch
    {
        "running" => ledger.Running[record.Seq.ToString(CultureInfo.InvariantCulture)].EndsWith('s') ? JobState.Running : JobState.Queued,
        "ready" => JobState.Queued,
        "scheduled" => JobState.Scheduled,
        "retrying" => JobState.Retrying,
        _ => JobState.Deferred,
    };

    // A claimed job that is only taken in counts as queued and is placed from there as a running one is. A step may lead
    // over one state between: start makes due jobs ready and starts them.
    private static void AssertFollows(string step, string payload, JobState? from, JobState to)
    {
        if (from is null || from == to) return;
        if (JobStates.IsFinal(from.Value)) Assert.Equal(("requeue", JobState.Queued), (step, to));
        var well = JobStates.CanFollow(from.Value, to)
            || (from == JobState.Queued && JobStates.CanFollow(JobState.Running, to))
            || JobStates.After(from.Value).Any(between => !JobStates.IsFinal(between) && JobStates.CanFollow(between, to));
        Assert.True(well, $"{payload} went from {from} to {to}");
    }
}

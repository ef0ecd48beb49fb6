using System.Globalization;
using Gristmill.Redis;

namespace Gristmill.Store;

// The steps that a silo makes with jobs: claim, start, admit, complete, settle, progress.
public sealed partial class QueueStore
{
    /// <summary>Takes a batch of items off a list and makes each a running record.</summary>
    public async ValueTask<ClaimReply> ClaimAsync(ClaimRequest request, string newEpoch, CancellationToken cancellationToken = default)
    {
        var call = Call("claim", request.List)
            .AddArg(keys.Events).AddArg(request.Generation).AddArg(request.Counter).AddArg(newEpoch)
            .AddArg(request.FromTail ? "right" : "left").AddArg(request.MaxItems).AddArg(request.MaxBytes)
            .AddArg(request.MaxPayload).AddArg(request.DeadLimit).AddArg(request.WaitingLimit).AddArg(request.Limit).AddArg(request.Window)
            .AddArg(request.Priority).AddArg(request.Start ? "s" : "i");
        var reply = await RunAsync(call, cancellationToken).ConfigureAwait(false);
        var status = StatusOf(reply);
        var epoch = reply[1].AsString();
        if (status != StoreStatus.Ok) return new ClaimReply(status, epoch, 0, 0, 0, []);
        var first = reply[2].AsInteger();
        var items = new List<ClaimedItem>(reply[5].Count);
        var aside = 0;
        foreach (var item in reply[5].Items)
        {
            if (item.IsNull) aside++;
            else items.Add(new ClaimedItem(first, item.Bytes));
            first++;
        }

        return new ClaimReply(status, epoch, reply[3].AsInteger(), reply[4].AsInteger(), aside, items);
    }

    /// <summary>Starts the first ready jobs.</summary>
    /// <param name="generation">The generation that runs them.</param>
    /// <param name="counter">The counter of the fencing token: never used before by this generation.</param>
    /// <param name="maxItems">At most this many; 0 only makes due jobs ready.</param>
    /// <param name="maxBytes">Stops behind the records with which this many bytes are reached.</param>
    /// <param name="limit">Running jobs of the queue in the cluster; 0 for no limit.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    public async ValueTask<StartReply> StartAsync(string generation, long counter, int maxItems, int maxBytes, int limit, CancellationToken cancellationToken = default)
    {
        var call = Call("start").AddArg(keys.Events).AddArg(keys.Control).AddArg(generation).AddArg(counter).AddArg(maxItems).AddArg(maxBytes).AddArg(limit);
        var reply = await RunAsync(call, cancellationToken).ConfigureAwait(false);
        var status = StatusOf(reply);
        if (status != StoreStatus.Ok) return new StartReply(status, reply[1].AsString(), 0, 0, null, []);
        var rows = reply[5];
        var jobs = new List<StartedJob>(rows.Count / 2);
        for (var i = 0; i + 1 < rows.Count; i += 2) jobs.Add(new StartedJob(rows[i].AsInteger(), rows[i + 1].Bytes));
        var due = reply[4].AsString();
        return new StartReply(status, reply[1].AsString(), reply[2].AsInteger(), reply[3].AsInteger(), due.Length == 0 ? null : long.Parse(due, CultureInfo.InvariantCulture), jobs);
    }

    /// <summary>Registers ids of claimed jobs, and gives those that are not to run at once their place.</summary>
    /// <returns>A verdict for each, in order.</returns>
    public async ValueTask<IReadOnlyList<AdmitVerdict>> AdmitAsync(string generation, IReadOnlyList<Admission> admissions, TimeSpan idWindow, CancellationToken cancellationToken = default)
    {
        var call = Call("admit").AddArg(keys.Events).AddArg(keys.Control).AddArg(generation).AddArg((long)idWindow.TotalMilliseconds);
        foreach (var admission in admissions)
        {
            call.AddArg(admission.Seq).AddArg(admission.Counter).AddArg(admission.Keep ? "k" : "p")
                .AddArg(admission.Header.Id ?? string.Empty).AddArg(admission.Fingerprint)
                .AddArg(string.Join('\n', admission.Header.DependsOn));
            AddHeader(call, admission.Header);
        }

        var reply = await RunAsync(call, cancellationToken).ConfigureAwait(false);
        return [.. Numbers(reply[2]).Select(v => (AdmitVerdict)v)];
    }

    /// <summary>Records results.</summary>
    public async ValueTask<FinishReply> CompleteAsync(string generation, IReadOnlyList<Completion> completions, IReadOnlyList<OutboxMessage> outbox, CancellationToken cancellationToken = default)
    {
        var call = Call("complete").AddArg(keys.Events).AddArg(keys.Control).AddArg(generation).AddArg(outbox.Count);
        AddOutbox(call, outbox);
        foreach (var completion in completions)
        {
            call.AddArg(completion.Seq).AddArg(completion.Counter);
            AddHeader(call, completion.Header);
            call.AddArg(completion.Result.Span);
        }

        return Finish(await RunAsync(call, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Ends attempts that brought no result. Whoever waits for a job's outcome on its reply list is told by the outbox.</summary>
    public async ValueTask<FinishReply> SettleAsync(string generation, IReadOnlyList<Settled> settled, CancellationToken cancellationToken = default)
    {
        var call = Call("settle").AddArg(keys.Events).AddArg(keys.Control).AddArg(generation);
        foreach (var job in settled)
        {
            call.AddArg(job.Seq).AddArg(job.Counter).AddArg(Verb(job.Settlement)).AddArg(job.Delay);
            if (job.Header is { } header) AddHeader(call, header);
            else call.AddArg(string.Empty);
        }

        return Finish(await RunAsync(call, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Notes how far running jobs are, and tells those who watch.</summary>
    /// <returns>Jobs whose lease was lost.</returns>
    public async ValueTask<IReadOnlyList<long>> ProgressAsync(string generation, IReadOnlyList<(long Seq, long Counter, JobProgress Progress)> jobs, CancellationToken cancellationToken = default)
    {
        var call = Call("progress").AddArg(keys.Events).AddArg(generation);
        foreach (var (seq, counter, progress) in jobs)
        {
            call.AddArg(seq).AddArg(counter).AddArg(ProgressJson.ToBytes(progress));
        }

        return Numbers((await RunAsync(call, cancellationToken).ConfigureAwait(false))[1]);
    }

    private static FinishReply Finish(RedisReply reply) =>
        new(StatusOf(reply), reply[1].AsString(), reply[2].AsInteger(), reply[3].Count == 0 ? [] : Numbers(reply[3]), reply.Count > 4 && reply[4].Count > 0 ? Numbers(reply[4]) : []);

    private static void AddOutbox(RedisScriptCall call, IReadOnlyList<OutboxMessage> outbox)
    {
        foreach (var message in outbox)
        {
            call.AddArg(message.Seq).AddArg(OutboxEntry.Encode(message));
        }
    }

    private static string Verb(Settlement settlement) => settlement switch
    {
        Settlement.Retry => "r",
        Settlement.Bury => "d",
        Settlement.Cancel => "x",
        _ => "q",
    };
}

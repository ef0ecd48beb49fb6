namespace Gristmill.Store;

// The steps that clients and operators make: enqueue, cancel, requeue, purge, pause, and retention.
public sealed partial class QueueStore
{
    /// <summary>Makes records of jobs and gives them their place.</summary>
    /// <param name="jobs">1 to 1,000 jobs.</param>
    /// <param name="newEpoch">Used when the queue has no epoch yet; see <see cref="NewEpoch"/>.</param>
    /// <param name="idWindow">How long an explicit id is remembered.</param>
    /// <param name="maxReady">Ready jobs that the queue may hold; 0 for no bound.</param>
    /// <param name="maxWaiting">Jobs that may wait for their time, for other jobs or for another attempt; 0 for no bound.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    public async ValueTask<EnqueueReply> EnqueueAsync(
        IReadOnlyList<NewJob> jobs, string newEpoch, TimeSpan idWindow, int maxReady, int maxWaiting, CancellationToken cancellationToken = default)
    {
        var call = Call("enqueue").AddArg(keys.Events).AddArg(keys.Control).AddArg(newEpoch).AddArg(RedisKeys.Schema).AddArg((long)idWindow.TotalMilliseconds).AddArg(maxReady).AddArg(maxWaiting);
        foreach (var job in jobs)
        {
            call.AddArg(job.Header.Id ?? string.Empty).AddArg(job.Fingerprint).AddArg(string.Join('\n', job.Header.DependsOn));
            AddHeader(call, job.Header);
            call.AddArg(job.Payload.Span);
        }

        var reply = await RunAsync(call, cancellationToken).ConfigureAwait(false);
        var status = StatusOf(reply);
        if (status != StoreStatus.Ok) return new EnqueueReply(status, reply[1].AsString(), []);
        var results = new List<EnqueueResult>(jobs.Count);
        for (var i = 0; i < reply[2].Count; i++)
        {
            results.Add(new EnqueueResult((AdmitVerdict)reply[2][i].AsInteger(), reply[3][i].AsInteger()));
        }

        return new EnqueueReply(status, reply[1].AsString(), results, reply[4].AsInteger());
    }

    /// <summary>Cancels jobs by id: at once where they wait, by telling the silo where they run.</summary>
    /// <returns>For each id: cancelled, requested, ended, remembered or unknown.</returns>
    public async ValueTask<IReadOnlyList<string>> CancelAsync(IReadOnlyList<string> ids, string reason, TimeSpan idWindow, CancellationToken cancellationToken = default)
    {
        var call = Call("cancel").AddArg(keys.Events).AddArg(keys.Control).AddArg((long)idWindow.TotalMilliseconds).AddArg(reason);
        foreach (var id in ids) call.AddArg(id);
        return Strings((await RunAsync(call, cancellationToken).ConfigureAwait(false))[2]);
    }

    /// <summary>Gives ended jobs another life.</summary>
    /// <param name="jobs">Their numbers, each with another payload or null to keep the old one.</param>
    /// <param name="idWindow">How long an explicit id is remembered.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <returns>For each: requeued, live (not ended), conflict (a later job has its id) or unknown, and its number now.</returns>
    public async ValueTask<IReadOnlyList<(string Verdict, long Seq)>> RequeueAsync(IReadOnlyList<(long Seq, ReadOnlyMemory<byte>? Payload)> jobs, TimeSpan idWindow, CancellationToken cancellationToken = default)
    {
        var call = Call("requeue").AddArg(keys.Events).AddArg(keys.Control).AddArg((long)idWindow.TotalMilliseconds);
        foreach (var (seq, payload) in jobs)
        {
            call.AddArg(seq).AddArg(payload is null ? 0 : 1).AddArg((payload ?? default).Span);
        }

        var reply = await RunAsync(call, cancellationToken).ConfigureAwait(false);
        return [.. Strings(reply[2]).Zip(Numbers(reply[3]))];
    }

    /// <summary>Forgets dead letters for good.</summary>
    /// <returns>How many there were.</returns>
    public async ValueTask<long> PurgeAsync(IReadOnlyList<long> seqs, CancellationToken cancellationToken = default)
    {
        var call = Call("purge").AddArg(keys.Events).AddArg(keys.Control);
        foreach (var seq in seqs) call.AddArg(seq);
        return (await RunAsync(call, cancellationToken).ConfigureAwait(false))[1].AsInteger();
    }

    /// <summary>Pauses, drains or reopens the queue; silos hear of it at once.</summary>
    public async ValueTask SetModeAsync(QueueMode mode, CancellationToken cancellationToken = default)
    {
        var state = mode switch { QueueMode.Paused => "paused", QueueMode.Draining => "draining", _ => string.Empty };
        await RunAsync(Call("control").AddArg(keys.Control).AddArg(state), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Forgets finished jobs and ids beyond their age and number.</summary>
    /// <param name="keepCount">Finished jobs that are kept.</param>
    /// <param name="keepAge">How long they are kept at most.</param>
    /// <param name="idWindow">How long an id of a job that has not ended is remembered again.</param>
    /// <param name="maxLines">Batches and ids looked at in this call.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <returns>Jobs forgotten, jobs kept, and whether there may be more to forget.</returns>
    public async ValueTask<(long Dropped, long Kept, bool More)> TrimAsync(long keepCount, TimeSpan keepAge, TimeSpan idWindow, int maxLines, CancellationToken cancellationToken = default)
    {
        var call = Call("trim").AddArg(keepCount).AddArg((long)keepAge.TotalMilliseconds).AddArg((long)idWindow.TotalMilliseconds).AddArg(maxLines);
        var reply = await RunAsync(call, cancellationToken).ConfigureAwait(false);
        return (reply[1].AsInteger(), reply[2].AsInteger(), reply[4].AsInteger() == 1);
    }

    /// <summary>A new epoch: letters and digits that no queue had before.</summary>
    /// <param name="clock">The clock that it is made of.</param>
    /// <param name="random">Keeps two made in the same second apart.</param>
    public static string NewEpoch(TimeProvider clock, Random random)
    {
        const string digits = "0123456789abcdefghijklmnopqrstuvwxyz";
        var value = clock.GetUtcNow().ToUnixTimeSeconds() * 1296 + random.Next(1296);
        Span<char> text = stackalloc char[16];
        var at = text.Length;
        for (; value > 0; value /= 36) text[--at] = digits[(int)(value % 36)];
        return new string(text[at..]);
    }
}

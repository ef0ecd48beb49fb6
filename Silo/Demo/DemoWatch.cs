using System.Text.Json;
using Gristmill.Client;
using Gristmill.Store;

namespace Gristmill.Silo.Demo;

/// <summary>Sees how far the demo's jobs are, from outside: by the client, as a user's service would.</summary>
internal sealed class DemoWatch(IGristmillClient client, DemoPlan plan, bool withWords)
{
    public static readonly TimeSpan Period = TimeSpan.FromMilliseconds(100);
    private const int MostJobs = 500;

    private IReadOnlyList<Job> _speech = [];
    private IReadOnlyList<Job> _words = [];

    /// <summary>Looks; true when every job that was pushed has its outcome.</summary>
    public async Task<bool> LookAsync(CancellationToken cancellationToken)
    {
        _speech = await AllAsync(DemoCommand.SpeechQueue, cancellationToken);
        if (withWords) _words = await AllAsync(DemoCommand.WordsQueue, cancellationToken);
        // Two of the speech items cannot be done: the malformed one and the one that is no recording.
        return _speech.Count(j => j.IsFinished) >= plan.Speech + 2 && _words.Count(j => j.IsFinished) >= plan.Words;
    }

    /// <summary>The part of a session's chunks that is done, 0 to 1.</summary>
    public double PartOf(string session)
    {
        var total = plan.Pushes.Count(p => p.Item.Contains($"\"session_id\":\"{session}\"", StringComparison.Ordinal));
        return total == 0 ? 0 : (double)_speech.Concat(_words).Count(j => j.IsFinished && PayloadSession(j) == session) / total;
    }

    public async Task<DemoSummary> SumUpAsync(double seconds, CancellationToken cancellationToken)
    {
        await LookAsync(cancellationToken);
        var rows = plan.Sessions.Select(Row).ToList();
        var queues = new List<DemoQueue> { await QueueAsync(DemoCommand.SpeechQueue, cancellationToken) };
        if (withWords) queues.Add(await QueueAsync(DemoCommand.WordsQueue, cancellationToken));
        var reasons = _speech.Where(j => j.State == JobState.Dead).Select(j => j.Reason ?? string.Empty).Order(StringComparer.Ordinal).ToList();
        var late = _speech.Where(j => j.State == JobState.Completed && j.Errors.Count >= 2).ToList();
        var asExpected = queues[0].Completed == plan.Speech && reasons is ["fatal", "malformed"] && late.Count == 1
            && rows.Sum(r => r.Chunks) == plan.Speech && rows.All(r => r.SpeechSeconds > 0 && (!withWords || r.Words > 0))
            && (!withWords || queues[1] is { Dead: 0 } words && words.Completed == plan.Words);
        return new DemoSummary(rows, queues, seconds, asExpected);
    }

    private DemoSession Row(string session)
    {
        var features = _speech.Where(j => j.State == JobState.Completed && j.Result is not null)
            .Select(j => j.Result!.Value.Deserialize<SpeechFeatures>(JsonSerializerOptions.Web)!)
            .Where(f => f.SessionId == session).ToList();
        var words = _words.Where(j => j.State == JobState.Completed && j.SessionId == session && j.Result is not null)
            .Sum(j => j.Result!.Value.GetProperty("words").GetInt32());
        return new DemoSession(
            session, features.Count, features.Sum(f => f.Segments), Math.Round(features.Sum(f => f.SpeechSeconds), 2),
            Mean(features.Select(f => f.LoudnessLufs)), Mean(features.Select(f => f.PitchHz)), words);
    }

    private static double? Mean(IEnumerable<double?> values) => values.Average() is { } mean ? Math.Round(mean, 1) : null;

    private static string? PayloadSession(Job job) => job.SessionId;

    private async Task<DemoQueue> QueueAsync(string name, CancellationToken cancellationToken)
    {
        var totals = (await client.Queue(name).GetInfoAsync(cancellationToken)).Totals;
        return new DemoQueue(name, totals["completed"], totals["retried"], totals["dead"]);
    }

    private async Task<IReadOnlyList<Job>> AllAsync(string queue, CancellationToken cancellationToken)
    {
        var jobs = new List<Job>();
        string? cursor = null;
        do
        {
            var page = await client.Queue(queue).ListAsync(null, cursor, 200, cancellationToken);
            jobs.AddRange(page.Jobs);
            cursor = page.Cursor;
        }
        while (cursor is not null && jobs.Count < MostJobs);
        return jobs;
    }
}

/// <summary>What the demo found of a session.</summary>
internal sealed record DemoSession(string Session, int Chunks, int Segments, double SpeechSeconds, double? LoudnessLufs, double? PitchHz, int Words);

/// <summary>What a queue did.</summary>
internal sealed record DemoQueue(string Queue, long Completed, long Retried, long Dead);

/// <summary>The demo's outcome.</summary>
internal sealed record DemoSummary(IReadOnlyList<DemoSession> Sessions, IReadOnlyList<DemoQueue> Queues, double Seconds, bool AsExpected);

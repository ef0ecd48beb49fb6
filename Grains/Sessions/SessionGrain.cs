using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Gristmill.Grains.Options;
using Gristmill.Grains.Silo;
using Gristmill.Redis;
using Gristmill.Store;
using Gristmill.Store.Payloads;
using Gristmill.Store.Sessions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Gristmill.Grains.Sessions;

/// <summary>
/// The end of one session: reads the results in their order, enqueues the finalising job (its id is made of the session's, so
/// that there is one however often this runs), and closes the session.
/// </summary>
[PreferLocalPlacement]
internal sealed class SessionGrain(IOptions<GristmillOptions> options, IRedisClient redis, TimeProvider clock, Random random, ILogger<SessionGrain> log) : Grain, ISessionGrain
{
    private const int Page = 200;
    private const int MaxIdBytes = 256;

    private string Queue => this.GetPrimaryKeyString()[..Separator];

    private string Session => this.GetPrimaryKeyString()[(Separator + 1)..];

    private int Separator => this.GetPrimaryKeyString().IndexOf('/', StringComparison.Ordinal);

    public async Task FinishAsync()
    {
        try
        {
            // A silo that does not know the queue does not know what its sessions end with.
            if (options.Value.Queues.GetValueOrDefault(Queue)?.Sessions is not { } policy) return;
            var store = StoreOf(Queue);
            if (await store.SessionAsync(Session) is not { State: SessionState.Finalising } session) return;
            if (policy.FinalQueue is { } final) await EnqueueAsync(store, session, final);
            await store.CloseSessionAsync(Session);
        }
        catch (Exception error) when (error is RedisException or WrongTypeException or SchemaException)
        {
            // The session is told to somebody again in 10 s.
            log.SessionNotFinished(Queue, Session, error.Message);
        }
        finally
        {
            DeactivateOnIdle();
        }
    }

    private async Task EnqueueAsync(QueueStore store, SessionView session, string final)
    {
        var known = options.Value.Queues.GetValueOrDefault(final);
        var limit = known?.MaxPayloadBytes ?? new QueueOptions().MaxPayloadBytes;
        var payload = await ComposeAsync(store, session, limit);
        if (payload.Length > limit)
        {
            log.SessionTooLarge(Queue, Session, payload.Length, final, limit);
            payload = Compose(session, null);
        }

        // The time tells it from an earlier session of this name, the count from an end that more jobs came behind.
        var mark = string.Create(CultureInfo.InvariantCulture, $"{session.OpenedAt.ToUnixTimeMilliseconds()}:{session.Arrived}");
        var header = new JobHeader { Id = $"session:{Queue}:{Session}:{mark}" };
        if (Encoding.UTF8.GetByteCount(header.Id) > MaxIdBytes) header.Id = $"session:{Queue}:{Fingerprint.Of(Encoding.UTF8.GetBytes(Session), PayloadFields.Default)}:{mark}";
        var job = new NewJob(header, "-", payload);
        var window = TimeSpan.FromSeconds(known?.IdWindowSeconds ?? new QueueOptions().IdWindowSeconds);
        await StoreOf(final).EnqueueAsync([job], QueueStore.NewEpoch(clock, random), window, 0, 0);
        await redis.ExecuteAsync(new RedisCommand("SADD", RedisKeys.Queues(options.Value.Service), final));
    }

    private static async Task<byte[]> ComposeAsync(QueueStore store, SessionView session, int limit)
    {
        var jobs = new List<(long Order, JobView Job)>();
        string? cursor = null;
        long bytes = 0;
        do
        {
            var page = await store.SessionJobsAsync(session.Id, cursor, Page);
            jobs.AddRange(page.Jobs);
            bytes += page.Jobs.Sum(j => (long)j.Job.Result.Length);
            cursor = page.Cursor;
        }
        while (cursor is not null && bytes <= limit);
        return Compose(session, jobs);
    }

    private static byte[] Compose(SessionView session, List<(long Order, JobView Job)>? jobs)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(output))
        {
            json.WriteStartObject();
            json.WriteString("session_id", session.Id);
            json.WriteString("queue", session.Queue);
            json.WriteString("outcome", session.Outcome?.ToString().ToLowerInvariant());
            json.WriteNumber("done", session.Done);
            json.WriteNumber("failed", session.Failed);
            json.WriteNumber("cancelled", session.Cancelled);
            json.WriteNumber("missing", session.Missing);
            if (jobs is not null)
            {
                json.WriteStartArray("results");
                foreach (var (order, job) in jobs)
                {
                    json.WriteStartObject();
                    json.WriteNumber("order", order);
                    json.WriteString("job_id", job.Id);
                    json.WriteString("state", job.State.ToString().ToLowerInvariant());
                    json.WritePropertyName("result");
                    if (job.Result.IsEmpty) json.WriteNullValue();
                    else json.WriteRawValue(job.Result.Span, skipInputValidation: true);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
            }

            json.WriteEndObject();
        }

        return output.WrittenSpan.ToArray();
    }

    private QueueStore StoreOf(string queue) => new(redis, new RedisKeys(options.Value.Service, BridgeHost.DatabaseOf(options.Value.Redis), queue));
}

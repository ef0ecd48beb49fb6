using System.Text.Json;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Samples;

/// <summary>samples/embeddings: one job over many notes, in batches, with progress and a result.</summary>
public sealed class EmbeddingsTests
{
    private const string Id = "550e8400-e29b-41d4-a716-446655440000";

    [Fact]
    public async Task Notes_get_their_embeddings_in_batches_with_progress_and_a_result()
    {
        await using var sample = await StartAsync(150);
        await sample.RunBlockAsync("the producer");
        var job = await sample.JobAsync("embeddings", Id, "completed");

        Assert.Equal("""{"embeddings_generated":150,"failed_notes":0}""", JsonSerializer.Serialize(job.GetProperty("result")));
        Assert.Equal((150, 100), (job.GetProperty("progress").GetProperty("done").GetInt32(), job.GetProperty("progress").GetProperty("percent").GetDouble()));
        await sample.SaysAsync("Batch complete: 100/150 processed, 0 failed, 67% done");
        await sample.SaysAsync("Batch complete: 150/150 processed, 0 failed, 100% done");
        await sample.SaysAsync("Embedding regeneration complete: 150 succeeded, 0 failed");
        Assert.Contains("\"embeddings_generated\": 150", await sample.RunBlockAsync("the job"), StringComparison.Ordinal);
        Assert.Equal("150", await sample.ShellAsync(Sql("SELECT count(*) FROM embeddings WHERE length(vector) = 4 * 256")));
    }

    [Fact]
    public async Task Note_without_words_fails_alone_and_a_job_that_was_lost_goes_on_behind_its_last_batch()
    {
        await using var sample = await StartAsync(120);

        // What an attempt leaves that was lost after its first batch, and a note that has nothing to embed.
        await sample.ShellAsync(Sql("UPDATE notes SET content = '...' WHERE id = 120"));
        await sample.ShellAsync(Sql("INSERT INTO embeddings SELECT id, 'again', x'00' FROM notes WHERE id <= 50"));
        await sample.ShellAsync("redis-cli -u $REDIS_URL RPUSH scribes:jobs '{\"job_id\":\"again\",\"user_id\":1}'");
        var job = await sample.JobAsync("embeddings", "again", "completed");

        Assert.Equal("""{"embeddings_generated":119,"failed_notes":1}""", JsonSerializer.Serialize(job.GetProperty("result")));
        await sample.SaysAsync("Batch complete: 120/120 processed, 1 failed, 100% done");
        Assert.Equal("50", await sample.ShellAsync(Sql("SELECT count(*) FROM embeddings WHERE vector = x'00'")));
    }

    [Fact]
    public async Task Reminders_that_are_due_are_sent_once_by_the_line_for_cron()
    {
        await using var sample = await StartAsync(3);
        await sample.ShellAsync(Sql("INSERT INTO reminders (user_id, note_id, scheduled_at, status) VALUES (1, 99, '2025-11-20', 'pending'), (1, 2, '2999-01-01', 'pending')"));
        var line = sample.Block("crontab", "").Replace("redis://localhost:6379", "$REDIS_URL", StringComparison.Ordinal);

        // What cron does with a line: five fields, and \% is a %.
        var command = string.Join(' ', line.Split(' ')[5..]).Replace("\\%", "%", StringComparison.Ordinal);
        Assert.StartsWith("*/15 * * * * ", line, StringComparison.Ordinal);
        await sample.ShellAsync(command);
        await sample.ShellAsync(command);

        await sample.SaysAsync("Sending reminder 1 for note 1 to user 1");
        await sample.SaysAsync("Failed to send reminder 2: there is no note 99");
        await sample.SaysAsync("Reminder processing complete: 1 sent, 1 failed");
        Assert.Equal("sent\nfailed\npending", await sample.ShellAsync(Sql("SELECT status FROM reminders ORDER BY id")));
    }

    [Fact]
    public async Task Queue_of_ARQ_that_fills_is_named_and_left_alone()
    {
        Tools.Require(Tools.Python);
        await using var sample = await SampleSilo.CreateAsync("embeddings");
        await sample.ShellAsync("export NOTES_DB=$FILES/notes.db; python3 make_notes.py 1; redis-cli -u $REDIS_URL ZADD scribes:queue 1 j1; redis-cli -u $REDIS_URL SET arq:job:j1 x");
        await sample.StartAsync("export NOTES_DB=$FILES/notes.db");
        Assert.Contains("The ARQ queue 'scribes:queue'", await sample.FindingAsync("other_library"), StringComparison.Ordinal);
        Assert.Equal("1", await sample.ShellAsync("redis-cli -u $REDIS_URL ZCARD scribes:queue"));
    }

    [Fact]
    public async Task Handler_can_be_tried_without_a_silo()
    {
        Tools.Require(Tools.Python);
        await using var sample = await SampleSilo.CreateAsync("embeddings");
        var said = await sample.ShellAsync(
            """
            export NOTES_DB=$FILES/notes.db PYTHONPATH=../python
            python3 make_notes.py 60
            echo '{"user_id": 1}' | python3 worker.py --try -
            """);
        Assert.Contains("\"embeddings_generated\": 60", said, StringComparison.Ordinal);
        Assert.Contains("50/60 processed, 0 failed, 83% done", said, StringComparison.Ordinal);
    }

    private static string Sql(string statement) =>
        $"python3 -c \"import sqlite3, sys; db = sqlite3.connect('$FILES/notes.db'); [print(*row) for row in db.execute(sys.argv[1])]; db.commit()\" \"{statement}\"";

    private static async Task<SampleSilo> StartAsync(int notes)
    {
        Tools.Require(Tools.Python);
        var sample = await SampleSilo.CreateAsync("embeddings");
        await sample.ShellAsync($"NOTES_DB=$FILES/notes.db python3 make_notes.py {notes}");
        await sample.StartAsync("export NOTES_DB=$FILES/notes.db");
        return sample;
    }
}

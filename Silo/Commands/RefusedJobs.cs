using Gristmill.Client;

namespace Gristmill.Silo.Commands;

/// <summary>
/// Jobs that were refused under an id which somebody looks for: their payload gave it, but they are kept under the store's
/// own, since a field was wrong or the id is another job's.
/// </summary>
internal static class RefusedJobs
{
    /// <summary>Says which there are, with the command that shows them.</summary>
    public static async Task WarnAsync(CommandRun run, IQueueClient queue, string id, CancellationToken cancellationToken)
    {
        if ((await queue.GetInfoAsync(cancellationToken)).Counts.Dead == 0) return;
        foreach (var letter in await queue.DeadLetters.FindByPayloadIdAsync(id, cancellationToken))
        {
            run.Warn($"A job with the id '{id}' in its payload was refused ({letter.Reason}); see: gristmill dead-letters show {queue.Name} {letter.Id}");
        }
    }
}

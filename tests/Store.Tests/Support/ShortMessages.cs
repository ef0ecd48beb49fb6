using System.Text;

namespace Gristmill.Store.Tests.Support;

/// <summary>Messages for foreign lists that a test reads at a glance.</summary>
internal sealed class ShortMessages : IOutcomeMessages
{
    public static readonly ShortMessages Instance = new();

    public byte[] DeadLetter(JobView job) => Encoding.UTF8.GetBytes($"{job.Seq} {job.Header.Reason}");

    public byte[] Reply(JobView job) =>
        Encoding.UTF8.GetBytes(string.Join(' ', new[] { job.Header.GivenId ?? job.Id, JobStates.Name(job.State), job.Header.Reason, Encoding.UTF8.GetString(job.Result.Span) }.Where(w => w is { Length: > 0 })));
}

using Gristmill.Store;

namespace Gristmill.Silo.Tests.Findings;

/// <summary>Silos that stand in the registry alone.</summary>
internal static class Silos
{
    public static SiloRecord Record(string name, string queue) => new()
    {
        Id = $"id-{name}", Name = name, State = "running", Version = "1.0.0", Engine = "Redis", Host = $"host-{name}", Pid = 7, StartedAt = DateTimeOffset.UnixEpoch, LeaseSeconds = 5,
        Queues = [new SiloQueueRecord(queue, $"generation-{name}", 10, 3, null)],
    };
}

/// <summary>A clock that is set by hand.</summary>
internal sealed class ManualClock : TimeProvider
{
    private DateTimeOffset _now = DateTimeOffset.UnixEpoch;

    public override DateTimeOffset GetUtcNow() => _now;

    public void Advance(TimeSpan by) => _now += by;
}

using System.Collections.Immutable;

namespace Gristmill.Grains.Silo;

/// <summary>The queues of this silo, by name. Filled when the silo starts, while others look already: who looks sees them as they were at that moment.</summary>
internal sealed class SiloQueues
{
    private ImmutableSortedDictionary<string, QueueRuntime> _queues = ImmutableSortedDictionary.Create<string, QueueRuntime>(StringComparer.Ordinal);

    public IReadOnlyCollection<QueueRuntime> All => [.. Volatile.Read(ref _queues).Values];

    public QueueRuntime? Find(string name) => Volatile.Read(ref _queues).GetValueOrDefault(name);

    public void Add(QueueRuntime queue) => ImmutableInterlocked.Update(ref _queues, (queues, added) => queues.Add(added.Name, added), queue);
}

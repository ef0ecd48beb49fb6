namespace Gristmill.Grains.Silo;

/// <summary>The queues of this silo, by name. Filled once, when the silo starts.</summary>
internal sealed class SiloQueues
{
    private readonly Dictionary<string, QueueRuntime> _queues = new(StringComparer.Ordinal);

    public IReadOnlyCollection<QueueRuntime> All => _queues.Values;

    public QueueRuntime? Find(string name) => _queues.GetValueOrDefault(name);

    public void Add(QueueRuntime queue) => _queues.Add(queue.Name, queue);
}

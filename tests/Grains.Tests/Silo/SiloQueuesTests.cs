using Gristmill.Grains.Options;
using Gristmill.Grains.Silo;

namespace Gristmill.Grains.Tests.Silo;

public sealed class SiloQueuesTests
{
    [Fact]
    public void Queues_looked_at_while_one_is_added_are_those_of_before()
    {
        var queues = new SiloQueues();
        queues.Add(Queue("a"));
        var seen = new List<string>();
        foreach (var queue in queues.All)
        {
            queues.Add(Queue($"{queue.Name}-next"));
            seen.Add(queue.Name);
        }

        Assert.Equal(["a"], seen);
        Assert.Equal(["a", "a-next"], queues.All.Select(q => q.Name));
        Assert.NotNull(queues.Find("a-next"));
    }

    private static QueueRuntime Queue(string name) => new(name, new QueueOptions(), null!, () => null!, TimeProvider.System);
}

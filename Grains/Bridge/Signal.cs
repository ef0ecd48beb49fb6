using System.Threading.Channels;

namespace Gristmill.Grains.Bridge;

/// <summary>Wakes one waiting loop. Signals that come while it is awake count as one. Set from any thread.</summary>
internal sealed class Signal
{
    private readonly Channel<bool> _flag = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    public void Set() => _flag.Writer.TryWrite(true);

    public ValueTask<bool> WaitAsync(CancellationToken cancellationToken) => _flag.Reader.ReadAsync(cancellationToken);
}

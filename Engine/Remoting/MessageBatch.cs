namespace Gristmill.Engine;

/// <summary>What goes to a member in one send: answers first, then calls.</summary>
internal sealed class MessageBatch
{
    /// <summary>How many bytes one send gathers, beyond its first message.</summary>
    private const int MostBytes = 1 << 20;

    /// <summary>How many messages one send gathers: a script must stay short.</summary>
    private const int MostMessages = 256;

    private int _bytes;

    public List<byte[]> Messages { get; } = [];

    public List<RemoteCall> Calls { get; } = [];

    /// <summary>How many of the messages, the first, are answers.</summary>
    public int Answers { get; set; }

    public bool HasRoom => Messages.Count < MostMessages && _bytes < MostBytes;

    public void Add(byte[] message)
    {
        Messages.Add(message);
        _bytes += message.Length;
    }
}

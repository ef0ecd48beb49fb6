namespace Gristmill.Engine;

/// <summary>What became of messages that were sent.</summary>
internal enum SendStatus
{
    /// <summary>They wait in the member's inbox.</summary>
    Sent,

    /// <summary>Nothing was sent: there is no such member.</summary>
    NotMember,

    /// <summary>Nothing was sent: the inbox is full.</summary>
    Full,
}

/// <summary>Carries messages between members. All traffic between silos goes through here.</summary>
internal interface IMessageChannel
{
    /// <summary>Puts messages into a member's inbox, all or none; see message_send.lua. A failure may have sent them.</summary>
    /// <param name="member">Whose inbox.</param>
    /// <param name="messages">The messages, in order.</param>
    /// <param name="most">How many may wait there, these among them.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    ValueTask<SendStatus> SendAsync(string member, IReadOnlyList<byte[]> messages, int most, CancellationToken cancellationToken);

    /// <summary>Opens a member's inbox, for the member itself.</summary>
    ValueTask<IMessageInbox> OpenAsync(string member, CancellationToken cancellationToken);
}

/// <summary>The way in for one member's messages. Each is handed out once; what is lost with the way is lost.</summary>
internal interface IMessageInbox : IAsyncDisposable
{
    /// <summary>Waits for messages for a moment and takes what is there, oldest first; none after a wait in vain.</summary>
    ValueTask<IReadOnlyList<ReadOnlyMemory<byte>>> ReceiveAsync(CancellationToken cancellationToken);

    /// <summary>Takes what is there without waiting.</summary>
    ValueTask<IReadOnlyList<ReadOnlyMemory<byte>>> TakeAsync(CancellationToken cancellationToken);
}

using System.Collections.Immutable;
using System.Diagnostics;

namespace Gristmill.Engine;

/// <summary>
/// The callee's half of a call: what is asked of which grain, by when, and where the answer goes. It waits in an
/// activation's mailbox, runs once, and answers once.
/// </summary>
internal sealed class Call(GrainId target, GrainMethod method, object?[] arguments, long deadline) : MailboxItem
{
    /// <summary>How often a call may be moved on from an activation that ends to the next one.</summary>
    private const int MaxForwards = 8;

    private int _forwards;

    public GrainId Target { get; } = target;

    public GrainMethod Method { get; } = method;

    public object?[] Arguments { get; } = arguments;

    /// <summary>When the caller gives up, as a timestamp of the engine's clock; a call that has not begun by then does not run.</summary>
    public long Deadline { get; } = deadline;

    public ImmutableDictionary<string, object>? Context { get; init; }

    /// <summary>The caller's span.</summary>
    public ActivityContext Parent { get; init; }

    /// <summary>Null for a one-way call.</summary>
    public IReplyTo? ReplyTo { get; init; }

    /// <summary>Null for a call that cannot be cancelled.</summary>
    public CallCancellation? Cancellation { get; private set; }

    public override bool Interleaves => Method.AlwaysInterleave;

    public override bool ReadOnly => Method.ReadOnly;

    public override bool CountsAsUse => true;

    /// <summary>Whether the call may go to another activation once more.</summary>
    public bool TryForward() => ++_forwards <= MaxForwards;

    /// <summary>Gives the method a token of this side's own.</summary>
    public CallCancellation MakeCancellable()
    {
        Cancellation = new CallCancellation();
        Arguments[Method.TokenIndex] = Cancellation.Token;
        return Cancellation;
    }

    public override Task RunAsync(Activation activation)
    {
        if (Cancellation is null || Cancellation.TryBegin(activation))
            return activation.RunCallAsync(this);
        Reply(Outcome.Failed(new OperationCanceledException()));
        return Task.CompletedTask;
    }

    public void Reply(in Outcome outcome)
    {
        Cancellation?.End();
        ReplyTo?.Reply(outcome);
    }
}

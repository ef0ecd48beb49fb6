namespace Gristmill.Engine;

/// <summary>Takes the outcome of a call back to the silo that it came from.</summary>
internal sealed class RemoteReply(RemoteSilos silos, string sender, long correlation, GrainMethod method) : IReplyTo
{
    private int _answered;

    /// <summary>Which call of which silo.</summary>
    public (string Sender, long Correlation) Origin => (sender, correlation);

    public void Reply(in Outcome outcome)
    {
        if (!TryAnswer())
            return;
        ReplyMessage reply;
        try
        {
            reply = CallCodec.ToMessage(method, outcome);
        }
        catch (Exception refused)
        {
            reply = CallCodec.ToMessage(method, Outcome.Failed(refused));
        }

        silos.Answer(Origin, reply);
    }

    /// <summary>Tells the caller's silo that the call did not run here.</summary>
    /// <param name="call">The call; it is over for this silo.</param>
    /// <param name="holder">The member that holds the grain; null when the directory must be asked.</param>
    public void Moved(Call call, string? holder)
    {
        call.Cancellation?.End();
        if (TryAnswer())
            silos.AnswerMoved(Origin, holder);
    }

    private bool TryAnswer()
    {
        if (Interlocked.Exchange(ref _answered, 1) != 0)
            return false;
        silos.Forget(Origin);
        return true;
    }
}

namespace Gristmill.Engine;

/// <summary>Sends the outcome of a local call through its wire form on its way back.</summary>
internal sealed class SerializedReply(CallCodec codec, GrainMethod method, IReplyTo caller) : IReplyTo
{
    public void Reply(in Outcome outcome) => caller.Reply(codec.DecodeOutcome(method, EncodeOrRefuse(outcome)));

    private byte[] EncodeOrRefuse(in Outcome outcome)
    {
        try
        {
            return codec.EncodeOutcome(method, outcome);
        }
        catch (Exception refused)
        {
            return codec.EncodeOutcome(method, Outcome.Failed(refused));
        }
    }
}

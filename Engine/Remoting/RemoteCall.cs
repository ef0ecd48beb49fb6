namespace Gristmill.Engine;

/// <summary>A call on its way to another silo. The lock of its <see cref="RemoteSilo"/> guards the stage.</summary>
internal sealed class RemoteCall(long correlation, Call call, byte[] message, long since)
{
    public enum Stages
    {
        /// <summary>It waits to be sent.</summary>
        Waiting,

        /// <summary>It is being sent; whether it was is not known yet.</summary>
        Sending,

        /// <summary>It was sent and has no answer.</summary>
        Sent,

        /// <summary>It has ended, or goes another way.</summary>
        Done,
    }

    /// <summary>Its number among this silo's calls; 0 for one that wants no answer.</summary>
    public long Correlation => correlation;

    public Call Call => call;

    public byte[] Message => message;

    /// <summary>When it was asked for.</summary>
    public long Since => since;

    public Stages Stage { get; set; }

    public bool WantsAnswer => correlation != 0;
}

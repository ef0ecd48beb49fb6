namespace Gristmill.Grains.Handlers;

/// <summary>Takes the progress of one attempt. Called from any thread, also after the attempt has ended.</summary>
public interface IProgressSink
{
    /// <summary>Takes a report: keeps the newest, never blocks, never throws; the receiver throttles.</summary>
    /// <param name="done">Units done, from 0.</param>
    /// <param name="total">Units in all; 0 where unknown.</param>
    /// <param name="message">What is being done, for people; may be null.</param>
    void Report(long done, long total, string? message);
}

using Gristmill.Grains.Silo;
using Gristmill.Redis;
using Gristmill.Store;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Sessions;

/// <summary>
/// Looks at the sessions of a queue whose time has come: gaps that have lasted, sessions that nothing comes for, those that
/// are cancelled or at their end. The store does the work, once, whichever silo looks first; a session at its end gets its
/// <see cref="SessionGrain"/>. Called by the bridge, about once a second and when the store says so.
/// </summary>
internal sealed class SessionKeeper(QueueRuntime queue, Action<string> finish, TimeProvider clock, ILogger log)
{
    private const int MaxItems = 200;
    private bool _stepping;
    private bool _again;

    /// <summary>One look, and more of them while there is more to do. One at a time: what comes meanwhile makes another.</summary>
    public async Task StepAsync(CancellationToken cancellationToken)
    {
        _again = true;
        if (_stepping) return;
        _stepping = true;
        try
        {
            while (_again)
            {
                _again = false;
                var reply = await queue.Store.StepSessionsAsync(MaxItems, cancellationToken);
                foreach (var session in reply.Finals) finish($"{queue.Name}/{session}");
                foreach (var (session, missing) in reply.Gaps)
                {
                    queue.LastGap = new SessionGap(session, missing, clock.GetUtcNow());
                    log.SessionGap(queue.Name, session, queue.Options.Sessions!.GapSeconds, missing);
                }

                _again |= reply.More;
            }
        }
        catch (Exception error) when (error is RedisException or WrongTypeException)
        {
            // The next look does what is left; what is wrong with Redis is said by the lease.
            log.SessionsNotSeen(queue.Name, error.Message);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The bridge ends.
        }
        finally
        {
            _stepping = false;
        }
    }
}

using Gristmill.Grains.Silo;
using Gristmill.Redis;
using Gristmill.Store;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Bridge;

/// <summary>Removes the records of finished jobs that are too old or too many, and ids whose window is over.</summary>
internal sealed class Trimmer(QueueRuntime queue, ILogger log)
{
    // Lines of the finished list at a time: each is a batch of jobs.
    private const int Lines = 50;
    private bool _trimming;

    /// <summary>Whether there are so many records more than may be kept that it should not wait for its time.</summary>
    public bool IsPressing(long kept)
    {
        var most = queue.Options.KeepFinished;
        return kept > most + Math.Max(1000, most / 20);
    }

    /// <summary>Trims until nothing is left to trim; nothing when it does so already.</summary>
    public async Task TrimAsync(CancellationToken cancellationToken)
    {
        if (_trimming) return;
        _trimming = true;
        try
        {
            var options = queue.Options;
            bool more;
            do
            {
                (_, _, more) = await queue.Store.TrimAsync(options.KeepFinished, TimeSpan.FromSeconds(options.KeepFinishedSeconds), queue.IdWindow, Lines, cancellationToken);
            }
            while (more);
        }
        catch (Exception error) when (error is RedisException or WrongTypeException or OperationCanceledException)
        {
            log.TrimFailed(queue.Name, error.Message);
        }
        finally
        {
            _trimming = false;
        }
    }
}

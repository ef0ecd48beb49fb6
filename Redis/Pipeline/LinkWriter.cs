using System.Buffers;

namespace Gristmill.Redis;

/// <summary>
/// The writing half of one link. Called by: the connection's loop (<see cref="RunAsync"/>), and by callers who found nobody
/// writing (<see cref="WriteNow"/>), who so save the loop's waking up.
/// It guarantees: one writes at a time (<see cref="WriteTurn"/>); a caller writes one batch and never waits: what the socket
/// does not take at once, what came meanwhile, and what goes wrong are left to the loop.
/// </summary>
internal sealed class LinkWriter(RedisLink link, CommandQueue queue, CancellationToken ended)
{
    /// <summary>A larger write buffer than this is given up after use.</summary>
    private const int KeptBufferBytes = 4 << 20;
    private const int InitialBytes = 16 << 10;

    private readonly List<PendingCommand> _batch = [];
    private ArrayBufferWriter<byte> _output = new(InitialBytes);
    private Task? _begun;

    /// <summary>Writes whenever there is something and nobody else does, until the link breaks or ends.</summary>
    public async Task RunAsync()
    {
        while (true)
        {
            if (_begun is { } begun)
            {
                _begun = null;
                await begun.ConfigureAwait(false);
                Reset();
            }

            while (queue.TakeBatch(_batch))
            {
                queue.Render(_batch, _output);
                await link.WriteAsync(_output.WrittenMemory, ended).ConfigureAwait(false);
                Reset();
            }

            await queue.WaitForWorkAsync(ended).ConfigureAwait(false);
        }
    }

    /// <summary>Writes what waits, by a caller whose turn it is. Throws nothing.</summary>
    public void WriteNow()
    {
        try
        {
            if (!queue.TakeBatch(_batch))
            {
                return;
            }

            queue.Render(_batch, _output);
            var write = link.WriteAsync(_output.WrittenMemory, ended);
            if (write.IsCompletedSuccessfully)
            {
                write.GetAwaiter().GetResult();
                Reset();
            }
            else
            {
                _begun = write.AsTask();
            }
        }
        catch (Exception e)
        {
            _begun = Task.FromException(e);
        }

        queue.CallerWrote(all: _begun is null);
    }

    private void Reset()
    {
        if (_output.Capacity > KeptBufferBytes)
        {
            _output = new ArrayBufferWriter<byte>(InitialBytes);
        }

        _output.ResetWrittenCount();
    }
}

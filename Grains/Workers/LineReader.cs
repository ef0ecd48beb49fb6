namespace Gristmill.Grains.Workers;

/// <summary>Gets a line without its end; valid during the call. Returns false to stop reading.</summary>
internal delegate bool LineHandler(ReadOnlySpan<byte> line);

/// <summary>Why reading ended.</summary>
internal enum LineReaderEnd
{
    EndOfStream,
    Stopped,
    LineTooLong,
}

/// <summary>
/// Splits a pipe into lines, in place, on the thread that calls <see cref="Run"/>. Anonymous pipes have no
/// asynchronous reads: they would block a thread of the pool each, so each pipe gets a small thread of its own.
/// </summary>
/// <param name="stream">The pipe.</param>
/// <param name="maxLineBytes">The longest line.</param>
/// <param name="forLogs">Also split at carriage returns (progress bars), and cut long lines instead of ending.</param>
internal sealed class LineReader(Stream stream, int maxLineBytes, bool forLogs = false)
{
    private const int InitialBytes = 16 * 1024;

    private byte[] _buffer = new byte[Math.Min(InitialBytes, maxLineBytes)];
    private int _length;
    private bool _skipping;

    /// <summary>Bytes of a last line that never got its end.</summary>
    public int Unfinished => _length;

    public LineReaderEnd Run(LineHandler onLine)
    {
        while (true)
        {
            if (_length == _buffer.Length && !MakeRoom(onLine))
            {
                return LineReaderEnd.LineTooLong;
            }

            var scanned = _length;
            var read = Read();
            if (read == 0)
            {
                return LineReaderEnd.EndOfStream;
            }

            _length += read;
            if (!Split(scanned, onLine))
            {
                return LineReaderEnd.Stopped;
            }
        }
    }

    private int Read()
    {
        try
        {
            return stream.Read(_buffer, _length, _buffer.Length - _length);
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            return 0;
        }
    }

    private bool Split(int scanned, LineHandler onLine)
    {
        var start = 0;
        while (true)
        {
            var rest = _buffer.AsSpan(scanned, _length - scanned);
            var end = forLogs ? rest.IndexOfAny((byte)'\n', (byte)'\r') : rest.IndexOf((byte)'\n');
            if (end < 0)
            {
                break;
            }

            var line = _buffer.AsSpan(start, scanned + end - start);
            scanned = start = scanned + end + 1;
            if (_skipping)
            {
                _skipping = false;
            }
            else if (!onLine(line.TrimEnd((byte)'\r')))
            {
                return false;
            }
        }

        _buffer.AsSpan(start, _length - start).CopyTo(_buffer);
        _length -= start;
        return true;
    }

    /// <summary>The buffer is full of one line: grow up to the bound; past it, cut or give up.</summary>
    private bool MakeRoom(LineHandler onLine)
    {
        if (_buffer.Length < maxLineBytes)
        {
            Array.Resize(ref _buffer, (int)Math.Min((long)_buffer.Length * 2, maxLineBytes));
            return true;
        }

        if (!forLogs)
        {
            return false;
        }

        if (!_skipping)
        {
            onLine(_buffer);
            _skipping = true;
        }

        _length = 0;
        return true;
    }
}

using System.Buffers.Text;

namespace Gristmill.Redis;

/// <summary>
/// Turns bytes into replies, however they are cut. It is fed spans and keeps what is unfinished between them, so nothing is
/// parsed twice. Bounds are checked on the announced sizes before memory is taken, and memory for what was announced but
/// has not come grows with what has come. After a <see cref="RedisProtocolException"/> it must not be fed again.
/// Called by: the one reader of a <see cref="RedisLink"/>.
/// Steps: a header line; then for strings the body, for aggregates a level on the stack; a finished value goes into the
/// level above, which may finish that too.
/// </summary>
internal sealed class RespParser(RedisOptions options)
{
    /// <summary>Errors and statuses are lines; Redis's own are shorter by far.</summary>
    internal const int MaxLine = 64 << 10;

    /// <summary>Strings up to here are taken in one piece; longer ones grow as they come.</summary>
    private const int FirstPiece = 1 << 20;

    private const int FirstItems = 1 << 10;
    private static readonly byte[] Ok = "OK"u8.ToArray();
    private readonly Stack<Level> _levels = new();
    private byte[] _line = new byte[64];
    private int _lineLength;
    private byte[]? _body;
    private RedisReplyKind _bodyKind;
    private int _bodyLength;
    private int _bodyFilled;
    private int _tail;
    private long _bytes;
    private int _elements;

    /// <summary>Takes bytes until a reply is complete or the input is used up.</summary>
    /// <param name="input">The bytes; what was taken is cut off its front.</param>
    /// <param name="reply">The reply, when the result is true.</param>
    public bool TryRead(ref ReadOnlySpan<byte> input, out RedisReply reply)
    {
        while (!input.IsEmpty)
        {
            RedisReply value;
            if (_body is not null)
            {
                if (!FillBody(ref input, out value))
                {
                    continue;
                }
            }
            else if (!TakeLine(ref input, out var line) || !Begin(line, out value))
            {
                continue;
            }

            if (Place(value, out reply))
            {
                _bytes = 0;
                _elements = 0;
                return true;
            }
        }

        reply = default;
        return false;
    }

    /// <summary>A whole line without its CRLF: straight from the input, or put together from the pieces kept before.</summary>
    private bool TakeLine(ref ReadOnlySpan<byte> input, out ReadOnlySpan<byte> line)
    {
        var end = input.IndexOf((byte)'\n');
        var piece = end < 0 ? input : input[..(end + 1)];
        if (_lineLength + piece.Length > MaxLine)
        {
            throw new RedisProtocolException($"A line of the reply exceeds {MaxLine} bytes.");
        }

        input = input[piece.Length..];
        if (end >= 0 && _lineLength == 0)
        {
            line = WithoutEnding(piece);
            return true;
        }

        if (_lineLength + piece.Length > _line.Length)
        {
            Array.Resize(ref _line, Math.Max(_lineLength + piece.Length, 2 * _line.Length));
        }

        piece.CopyTo(_line.AsSpan(_lineLength));
        _lineLength += piece.Length;
        line = default;
        if (end < 0)
        {
            return false;
        }

        line = WithoutEnding(_line.AsSpan(0, _lineLength));
        _lineLength = 0;
        return true;
    }

    private static ReadOnlySpan<byte> WithoutEnding(ReadOnlySpan<byte> line) =>
        line is [.., (byte)'\r', (byte)'\n'] && line.Length > 2
            ? line[..^2]
            : throw new RedisProtocolException("A line of the reply is empty or does not end in CR LF.");

    /// <summary>Begins a value from its header line. True when the line was all of it.</summary>
    private bool Begin(ReadOnlySpan<byte> line, out RedisReply value)
    {
        var rest = line[1..];
        value = default;
        switch (line[0])
        {
            case (byte)'+':
                value = RedisReply.OfBytes(RedisReplyKind.SimpleString, rest.SequenceEqual("OK"u8) ? Ok : Copy(rest));
                return true;
            case (byte)'-':
                value = RedisReply.OfBytes(RedisReplyKind.Error, Copy(rest));
                return true;
            case (byte)':':
                value = RedisReply.OfInteger(Number(rest));
                return true;
            case (byte)'$':
                return BeginBody(RedisReplyKind.BulkString, rest);
            case (byte)'=':
                return BeginBody(RedisReplyKind.VerbatimString, rest);
            case (byte)'!':
                return BeginBody(RedisReplyKind.Error, rest);
            case (byte)'*':
                return BeginLevel(RedisReplyKind.Array, rest, 1, out value);
            case (byte)'%':
                return BeginLevel(RedisReplyKind.Map, rest, 2, out value);
            case (byte)'~':
                return BeginLevel(RedisReplyKind.Set, rest, 1, out value);
            case (byte)'>':
                return BeginLevel(RedisReplyKind.Push, rest, 1, out value);
            case (byte)'|':
                return BeginAttributes(rest);
            default:
                value = Scalar(line[0], rest);
                return true;
        }
    }

    private RedisReply Scalar(byte kind, ReadOnlySpan<byte> rest)
    {
        switch (kind)
        {
            case (byte)'_' when rest.IsEmpty:
                return default;
            case (byte)'#' when rest is [(byte)'t'] or [(byte)'f']:
                return RedisReply.OfBoolean(rest[0] == 't');
            case (byte)',' when RedisReply.ParseDouble(rest, out var number):
                return RedisReply.OfDouble(number);
            case (byte)'(' when IsDigits(rest):
                return RedisReply.OfBytes(RedisReplyKind.BigNumber, Copy(rest));
            default:
                throw new RedisProtocolException($"A reply begins with the byte 0x{kind:x2} and {rest.Length} more that do not fit it.");
        }
    }

    private static bool IsDigits(ReadOnlySpan<byte> text)
    {
        var digits = text is [(byte)'-', ..] ? text[1..] : text;
        return !digits.IsEmpty && !digits.ContainsAnyExceptInRange((byte)'0', (byte)'9');
    }

    /// <summary>Begins a string, or finishes it at once when it is null.</summary>
    private bool BeginBody(RedisReplyKind kind, ReadOnlySpan<byte> rest)
    {
        var length = Number(rest);
        if (length == -1 && kind == RedisReplyKind.BulkString)
        {
            return true;
        }

        if (length < 0 || length > options.MaxBulkBytes)
        {
            throw new RedisProtocolException($"A string of {length} bytes in the reply; {nameof(options.MaxBulkBytes)} is {options.MaxBulkBytes}.");
        }

        Charge(length);
        _bodyKind = kind;
        _bodyLength = (int)length;
        _bodyFilled = 0;
        _tail = 0;
        _body = length == 0 ? [] : new byte[Math.Min(length, FirstPiece)];
        return false;
    }

    private byte[] Copy(ReadOnlySpan<byte> text)
    {
        Charge(text.Length);
        return text.ToArray();
    }

    private void Charge(long length)
    {
        _bytes += length;
        if (_bytes > options.MaxReplyBytes)
        {
            throw new RedisProtocolException($"Strings of {_bytes} bytes in one reply; {nameof(options.MaxReplyBytes)} is {options.MaxReplyBytes}.");
        }
    }

    /// <summary>Takes more of the current string. True when its CRLF has been read too.</summary>
    private bool FillBody(ref ReadOnlySpan<byte> input, out RedisReply value)
    {
        value = default;
        while (_bodyFilled < _bodyLength && !input.IsEmpty)
        {
            if (_bodyFilled == _body!.Length)
            {
                Array.Resize(ref _body, (int)Math.Min(_bodyLength, 2L * _body.Length));
            }

            var take = Math.Min(_body.Length - _bodyFilled, input.Length);
            input[..take].CopyTo(_body.AsSpan(_bodyFilled));
            _bodyFilled += take;
            input = input[take..];
        }

        while (_bodyFilled == _bodyLength && _tail < 2 && !input.IsEmpty)
        {
            if (input[0] != (_tail == 0 ? '\r' : '\n'))
            {
                throw new RedisProtocolException("A string of the reply does not end in CR LF.");
            }

            _tail++;
            input = input[1..];
        }

        if (_tail < 2)
        {
            return false;
        }

        value = RedisReply.OfBytes(_bodyKind, _bodyKind == RedisReplyKind.VerbatimString ? WithoutFormat(_body!) : _body!);
        _body = null;
        _tail = 0;
        return true;
    }

    private static byte[] WithoutFormat(byte[] body) =>
        body.Length >= 4 && body[3] == ':' ? body[4..] : throw new RedisProtocolException("A verbatim string of the reply has no format.");

    private bool BeginLevel(RedisReplyKind kind, ReadOnlySpan<byte> rest, int perItem, out RedisReply value)
    {
        value = default;
        var count = Number(rest);
        if (count == -1 && kind == RedisReplyKind.Array)
        {
            return true;
        }

        if (count == 0)
        {
            value = RedisReply.OfItems(kind, []);
            return true;
        }

        Push(kind, count, perItem);
        return false;
    }

    /// <summary>Attributes are facts beside a reply; none is used here, so they are read and forgotten.</summary>
    private bool BeginAttributes(ReadOnlySpan<byte> rest)
    {
        var count = Number(rest);
        if (count != 0)
        {
            Push(RedisReplyKind.Null, count, 2);
        }

        return false;
    }

    private void Push(RedisReplyKind kind, long count, int perItem)
    {
        if (count < 0 || count > options.MaxReplyElements || _elements + (count * perItem) > options.MaxReplyElements)
        {
            throw new RedisProtocolException($"{count} more items in the reply; {nameof(options.MaxReplyElements)} is {options.MaxReplyElements}.");
        }

        if (_levels.Count >= options.MaxReplyDepth)
        {
            throw new RedisProtocolException($"The reply is nested deeper than {nameof(options.MaxReplyDepth)}, {options.MaxReplyDepth}.");
        }

        _elements += (int)count * perItem;
        _levels.Push(new Level(kind, (int)count * perItem));
    }

    /// <summary>Puts a finished value where it belongs. True when that finishes the whole reply.</summary>
    private bool Place(RedisReply value, out RedisReply reply)
    {
        while (_levels.TryPeek(out var level))
        {
            if (!level.Add(value))
            {
                reply = default;
                return false;
            }

            _levels.Pop();
            if (level.Kind == RedisReplyKind.Null)
            {
                reply = default;
                return false;
            }

            value = RedisReply.OfItems(level.Kind, level.Items);
        }

        reply = value;
        return true;
    }

    private static long Number(ReadOnlySpan<byte> text) =>
        Utf8Parser.TryParse(text, out long value, out var used) && used == text.Length
            ? value
            : throw new RedisProtocolException("A number of the reply is no 64-bit integer.");

    /// <summary>An aggregate that is being filled.</summary>
    private sealed class Level(RedisReplyKind kind, int count)
    {
        private int _filled;
        private RedisReply[] _items = new RedisReply[Math.Min(count, FirstItems)];

        public RedisReplyKind Kind => kind;

        public RedisReply[] Items => _items;

        /// <summary>True when this was the last item.</summary>
        public bool Add(RedisReply value)
        {
            if (_filled == _items.Length)
            {
                Array.Resize(ref _items, (int)Math.Min(count, 2L * _items.Length));
            }

            _items[_filled++] = value;
            return _filled == count;
        }
    }
}

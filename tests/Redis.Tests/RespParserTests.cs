using System.Text;

namespace Gristmill.Redis.Tests;

public sealed class RespParserTests
{
    public static TheoryData<string, string> Corpus => new()
    {
        { "+OK\r\n", "SimpleString:OK" },
        { "+\r\n", "SimpleString:" },
        { "-ERR no\r\n", "Error:ERR no" },
        { ":0\r\n", "Integer:0" },
        { ":-9223372036854775808\r\n", "Integer:-9223372036854775808" },
        { "$0\r\n\r\n", "BulkString:" },
        { "$-1\r\n", "Null" },
        { "$6\r\na\r\nb\r\n\r\n", "BulkString:a\r\nb\r\n" },
        { "*-1\r\n", "Null" },
        { "*0\r\n", "Array[]" },
        { "*3\r\n:1\r\n$-1\r\n*2\r\n+a\r\n-WRONGTYPE b\r\n", "Array[Integer:1,Null,Array[SimpleString:a,Error:WRONGTYPE b]]" },
        { "_\r\n", "Null" },
        { "#t\r\n", "Boolean:1" },
        { "#f\r\n", "Boolean:0" },
        { ",1.25\r\n", "Double:1.25" },
        { ",inf\r\n", "Double:Infinity" },
        { ",-inf\r\n", "Double:-Infinity" },
        { ",nan\r\n", "Double:NaN" },
        { ",1e3\r\n", "Double:1000" },
        { "(-3492890328409238509324850943850943825024385\r\n", "BigNumber:-3492890328409238509324850943850943825024385" },
        { "!8\r\nERR a\r\nb\r\n", "Error:ERR a\r\nb" },
        { "=8\r\ntxt:text\r\n", "VerbatimString:text" },
        { "%2\r\n+k\r\n:1\r\n+l\r\n*1\r\n_\r\n", "Map[SimpleString:k,Integer:1,SimpleString:l,Array[Null]]" },
        { "~2\r\n+a\r\n+b\r\n", "Set[SimpleString:a,SimpleString:b]" },
        { ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n", "Push[BulkString:message,BulkString:c,BulkString:hi]" },
        { "|1\r\n+ttl\r\n:3600\r\n$1\r\nx\r\n", "BulkString:x" },
        { "*2\r\n|1\r\n+k\r\n*1\r\n:1\r\n:7\r\n:8\r\n", "Array[Integer:7,Integer:8]" },
    };

    [Theory, MemberData(nameof(Corpus))]
    public void Reply_cut_at_every_place_is_the_same(string wire, string expected)
    {
        var bytes = Encoding.Latin1.GetBytes(wire + "+next\r\n");
        for (var first = 0; first <= bytes.Length; first++)
        {
            for (var second = first; second <= bytes.Length; second++)
            {
                Assert.Equal([expected, "SimpleString:next"], Parse(new RedisOptions(), bytes[..first], bytes[first..second], bytes[second..]));
            }
        }
    }

    [Theory, MemberData(nameof(Corpus))]
    public void Reply_byte_by_byte_is_the_same(string wire, string expected)
    {
        var bytes = Encoding.Latin1.GetBytes(wire);

        Assert.Equal([expected], Parse(new RedisOptions(), [.. bytes.Select(b => new[] { b })]));
    }

    [Theory]
    [InlineData("$11\r\n", "MaxBulkBytes is 10")]
    [InlineData("$536870913\r\n", "MaxBulkBytes")]
    [InlineData("$9223372036854775807\r\n", "MaxBulkBytes")]
    [InlineData("$-2\r\n", "MaxBulkBytes")]
    [InlineData("!11\r\n", "MaxBulkBytes")]
    [InlineData("*5\r\n", "MaxReplyElements is 4")]
    [InlineData("%3\r\n", "MaxReplyElements")]
    [InlineData("*2147483648\r\n", "MaxReplyElements")]
    [InlineData("*9223372036854775807\r\n", "MaxReplyElements")]
    [InlineData("%9223372036854775807\r\n", "MaxReplyElements")]
    [InlineData("*2\r\n*3\r\n", "MaxReplyElements")]
    [InlineData("*-2\r\n", "MaxReplyElements")]
    [InlineData("*1\r\n*1\r\n*1\r\n*1\r\n", "MaxReplyDepth, 3")]
    [InlineData("*2\r\n$10\r\n0123456789\r\n$6\r\n", "MaxReplyBytes is 15")]
    [InlineData("*x\r\n", "integer")]
    [InlineData(":1x\r\n", "integer")]
    [InlineData("$1\r\nab\r\n", "CR LF")]
    [InlineData("\r\n", "CR LF")]
    [InlineData("+a\n", "CR LF")]
    [InlineData("hello\r\n", "0x68")]
    [InlineData("#x\r\n", "0x23")]
    [InlineData("(12a\r\n", "0x28")]
    [InlineData("=3\r\ntxt\r\n", "format")]
    [InlineData("$?\r\n", "integer")]
    public void Reply_beyond_a_bound_or_malformed_is_refused(string wire, string message)
    {
        var options = new RedisOptions { MaxBulkBytes = 10, MaxReplyElements = 4, MaxReplyDepth = 3, MaxReplyBytes = 15 };

        var error = Assert.Throws<RedisProtocolException>(() => Parse(options, Encoding.Latin1.GetBytes(wire)));

        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Line_without_an_end_is_refused()
    {
        var parser = new RespParser(new RedisOptions());
        var piece = new byte[RespParser.MaxLine / 4];
        Array.Fill(piece, (byte)'+');

        Assert.Throws<RedisProtocolException>(() =>
        {
            for (var i = 0; i < 5; i++)
            {
                ReadOnlySpan<byte> input = piece;
                parser.TryRead(ref input, out _);
            }
        });
    }

    [Fact]
    public void Announced_sizes_take_no_memory_before_the_bytes_come()
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        foreach (var header in (string[])["$536870912\r\nx", "*4194304\r\n:1\r\n", "%2097152\r\n", "*3\r\n*1000\r\n*1000\r\n*1000\r\n"])
        {
            ReadOnlySpan<byte> input = Encoding.Latin1.GetBytes(header);
            new RespParser(new RedisOptions()).TryRead(ref input, out _);
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2 << 20);
    }

    [Fact]
    public void Random_garbage_ends_in_a_reply_or_the_documented_exception()
    {
        const int rounds = 20_000;
        var random = new Random(20261122);
        var options = new RedisOptions { MaxBulkBytes = 4_096, MaxReplyElements = 1_000, MaxReplyDepth = 8, MaxReplyBytes = 8_192 };
        var alphabet = "+-:$*_#,(!=%~>|0123456789\r\n\r\n\r\n\r\nta "u8.ToArray();
        var input = 0L;
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var round = 0; round < rounds; round++)
        {
            var bytes = Garbage(random, alphabet);
            input += bytes.Length;
            try
            {
                var parser = new RespParser(options);
                ReadOnlySpan<byte> rest = bytes;
                while (parser.TryRead(ref rest, out _))
                {
                    // The next one.
                }
            }
            catch (RedisProtocolException)
            {
                // The only exception there may be.
            }
        }

        // A level costs 24 bytes an item that was announced, within the bound on items; a string what was announced.
        var allowed = (input * 10) + (rounds * ((options.MaxReplyElements * 24) + options.MaxReplyBytes + 4_096L));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, allowed);
    }

    [Fact]
    public void Damaged_replies_end_in_a_reply_or_the_documented_exception()
    {
        var random = new Random(42);
        var corpus = Corpus.Select(row => Encoding.Latin1.GetBytes(row.Data.Item1)).ToArray();
        for (var round = 0; round < 50_000; round++)
        {
            var bytes = corpus[random.Next(corpus.Length)].ToArray();
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            try
            {
                Parse(new RedisOptions { MaxBulkBytes = 1_024, MaxReplyElements = 100 }, bytes);
            }
            catch (RedisProtocolException)
            {
                // The only exception there may be.
            }
        }
    }

    private static byte[] Garbage(Random random, byte[] alphabet)
    {
        var bytes = new byte[random.Next(1, 200)];
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] = random.Next(10) == 0 ? (byte)random.Next(256) : alphabet[random.Next(alphabet.Length)];
        }

        return bytes;
    }

    private static List<string> Parse(RedisOptions options, params byte[][] pieces)
    {
        var parser = new RespParser(options);
        var found = new List<string>();
        foreach (var piece in pieces)
        {
            ReadOnlySpan<byte> input = piece;
            while (parser.TryRead(ref input, out var reply))
            {
                found.Add(Show(reply));
            }

            Assert.True(input.IsEmpty);
        }

        return found;
    }

    private static string Show(RedisReply reply)
    {
        if (reply.IsNull)
        {
            return "Null";
        }

        return reply.IsAggregate
            ? $"{reply.Kind}[{string.Join(',', reply.AsList().Select(Show))}]"
            : $"{reply.Kind}:{reply.AsString()}";
    }
}

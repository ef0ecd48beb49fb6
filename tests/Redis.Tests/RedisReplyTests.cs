using System.Text;

namespace Gristmill.Redis.Tests;

public sealed class RedisReplyTests
{
    [Fact]
    public void Conversion_that_does_not_fit_names_both_kinds()
    {
        var error = Assert.Throws<RedisProtocolException>(() => Of("+text\r\n").AsInteger());

        Assert.Equal("The reply is SimpleString, not a 64-bit integer.", error.Message);
        Assert.Throws<RedisProtocolException>(() => Of("*0\r\n").AsString());
        Assert.Throws<RedisProtocolException>(() => Of(":1\r\n").Items.Length);
        Assert.Throws<RedisProtocolException>(() => Of("$-1\r\n").AsString());
        Assert.Throws<RedisProtocolException>(() => Of("*0\r\n").AsDouble());
        Assert.Throws<RedisProtocolException>(() => Of("+x\r\n").AsBoolean());
    }

    [Fact]
    public void Null_reads_as_nothing()
    {
        var reply = Of("_\r\n");

        Assert.True(reply.IsNull);
        Assert.Null(reply.AsStringOrNull());
        Assert.Equal(0, reply.Count);
        Assert.True(reply.Items.IsEmpty);
        Assert.True(reply.Bytes.IsEmpty);
    }

    [Fact]
    public void Numbers_in_strings_are_read_whole_or_not_at_all()
    {
        Assert.Equal(12, Of("$2\r\n12\r\n").AsInteger());
        Assert.Equal(double.NegativeInfinity, Of("$4\r\n-inf\r\n").AsDouble());
        Assert.Throws<RedisProtocolException>(() => Of("$3\r\n12x\r\n").AsInteger());
        Assert.Throws<RedisProtocolException>(() => Of("$20\r\n99999999999999999999\r\n").AsInteger());
    }

    [Fact]
    public void Error_in_an_array_is_a_value_with_its_code()
    {
        var reply = Of("*2\r\n:1\r\n-WRONGTYPE Operation\r\n");

        Assert.True(reply[1].IsError);
        Assert.Equal("WRONGTYPE", reply[1].ErrorCode);
        Assert.Null(reply[0].ErrorCode);
    }

    [Fact]
    public void Text_for_logs_shows_no_content()
    {
        Assert.Equal("BulkString of 6 bytes", Of("$6\r\nsecret\r\n").ToString());
        Assert.Equal("SET", new RedisCommand("SET").Add("secret").ToString());
        Assert.DoesNotContain("secret", new RedisMessage(RedisMessageKind.Message, "c", "secret"u8.ToArray()).ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("WRONGTYPE Operation", false, "WRONGTYPE")]
    [InlineData("ERR no such key", false, "ERR")]
    [InlineData("ERR EXEC without MULTI", false, "ERR")]
    [InlineData("ERR Lua encountered an error: WRONGTYPE Operation", true, "WRONGTYPE")]
    [InlineData("ERR Lua encountered an error: boom", true, "ERR")]
    [InlineData("ERR MYCODE hello", true, "MYCODE")]
    [InlineData("ERR user_script:1: boom", true, "ERR")]
    [InlineData("OOM command not allowed", true, "OOM")]
    [InlineData("Compilation error: [string \"?\"]", true, "ERR")]
    [InlineData("", false, "ERR")]
    [InlineData("NOAUTH", false, "NOAUTH")]
    public void Code_word_is_found(string text, bool fromScript, string expected) =>
        Assert.Equal(expected, RedisErrorCode.Of(text, fromScript));

    private static RedisReply Of(string wire)
    {
        ReadOnlySpan<byte> input = Encoding.Latin1.GetBytes(wire);
        Assert.True(new RespParser(new RedisOptions()).TryRead(ref input, out var reply));
        return reply;
    }
}

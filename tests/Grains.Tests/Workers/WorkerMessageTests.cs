using System.Text;
using Gristmill.Grains.Workers;

namespace Gristmill.Grains.Tests.Workers;

public sealed class WorkerMessageTests
{
    [Theory]
    [InlineData("""{"type":"result","id":7,"result":{"a":[1, 2]}}""", "{\"a\":[1, 2]}")]
    [InlineData("""{"result":"x","new":{"deep":[{}]},"type":"result","id":7}""", "\"x\"")]
    [InlineData("""{"type":"result","id":7,"result": 12.5 }""", "12.5")]
    [InlineData("""{"type":"result","id":7,"result":null}""", "")]
    [InlineData("""{"type":"result","id":7.0}""", "")]
    public void Result_in_any_order_is_read_raw(string line, string expected)
    {
        var bytes = Encoding.UTF8.GetBytes(line);
        Assert.True(WorkerMessage.TryRead(bytes, out var message));
        Assert.Equal((WorkerMessageType.Result, 7), (message.Type, message.Id));
        Assert.Equal(expected, Encoding.UTF8.GetString(bytes[message.Result]));
    }

    [Theory]
    [InlineData("1", 0)]
    [InlineData("[]", 1)]
    [InlineData("[1,{}]", 2)]
    [InlineData("{\"a\":[1,[2],3],\"b\":4}", 3)]
    public void Result_knows_how_deep_it_is_nested(string result, int expected)
    {
        Assert.True(WorkerMessage.TryRead(Encoding.UTF8.GetBytes($$"""{"type":"result","result":{{result}},"new":[[[[]]]],"id":7}"""), out var message));
        Assert.Equal(expected, message.ResultDepth);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Loading…")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"id":1}""")]
    [InlineData("""{"type":3}""")]
    [InlineData("""{"type":"result","id":"7"}""")]
    [InlineData("""{"type":"result","id":7} {}""")]
    [InlineData("""{"type":"result","id":7,"result":NaN}""")]
    [InlineData("""{"type":"result","id":7""")]
    public void Line_that_is_no_message_is_told_apart(string line) =>
        Assert.False(WorkerMessage.TryRead(Encoding.UTF8.GetBytes(line), out _));

    [Fact]
    public void Type_that_is_not_known_is_a_message() =>
        Assert.True(WorkerMessage.TryRead("""{"type":"batch","x":1}"""u8, out var message) && message.Type == WorkerMessageType.Unknown);
}

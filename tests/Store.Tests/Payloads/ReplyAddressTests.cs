using System.Text;
using Gristmill.Store.Payloads;

namespace Gristmill.Store.Tests.Payloads;

public sealed class ReplyAddressTests
{
    private const string Whole = """{"a":{"reply_to":"inner"},"job_id":9007199254740993,"reply_to":"r:1","b":[1,2]}""";

    [Theory]
    [InlineData(Whole, "r:1", "9007199254740993")]
    [InlineData("""{"reply_to":"r:1","x":""", "r:1", null)]
    [InlineData("""{"reply_to":"r:1","x":nonsense,"job_id":"j"}""", "r:1", null)]
    [InlineData("""{"reply_to":null,"job_id":"j"}""", null, "j")]
    [InlineData("""{"reply_to":7,"job_id":["j"]}""", null, null)]
    [InlineData("""{"reply_to":["r:1",{"reply_to":"r:2"}],"job_id":"j"}""", null, "j")]
    [InlineData("""{"reply_to":"\ud800","job_id":"j"}""", null, null)]
    [InlineData("""{"\ud800":1,"reply\u005fto":"r:1","job_id":"j"}""", "r:1", "j")]
    [InlineData("""["reply_to","r:1"]""", null, null)]
    [InlineData("""{"reply_to""", null, null)]
    [InlineData("no JSON", null, null)]
    [InlineData("", null, null)]
    public void Address_is_found_as_far_as_the_payload_is_JSON(string payload, string? replyTo, string? jobId) =>
        Assert.Equal(new ReplyAddress(replyTo, jobId), ReplyAddress.Find(Encoding.UTF8.GetBytes(payload), PayloadFields.Default));

    [Fact]
    public void Beginning_of_any_length_gives_the_address_or_none()
    {
        var bytes = Encoding.UTF8.GetBytes(Whole);
        var known = Whole.IndexOf(",\"b\"", StringComparison.Ordinal);
        for (var length = 0; length <= bytes.Length; length++)
        {
            var found = ReplyAddress.Find(bytes.AsSpan(0, length), PayloadFields.Default).ReplyTo;
            Assert.Equal(length >= known ? "r:1" : null, found);
        }
    }

    [Fact]
    public void Bytes_that_are_no_text_do_no_harm()
    {
        byte[] payload = [.. "{\"job_id\":\""u8, 0xff, 0xfe, .. "\",\"reply_to\":\"r\"}"u8];
        Assert.Null(ReplyAddress.Find(payload, PayloadFields.Default).JobId);
    }
}

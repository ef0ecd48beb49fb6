using System.Text;
using Gristmill.Store.Payloads;

namespace Gristmill.Store.Tests.Payloads;

public sealed class FingerprintTests
{
    private static string Of(string payload) => Fingerprint.Of(Encoding.UTF8.GetBytes(payload), PayloadFields.Default);

    [Theory]
    [InlineData("""{"a":1,"queued_at":1}""", """{"a":1,"queued_at":2}""")]
    [InlineData("""{"a":1}""", """{"queued_at":{"x":[1]},"a":1,"traceparent":"t","tracestate":"s"}""")]
    [InlineData("""{"a":1}""", """ { "a" : 1 } """)]
    public void What_changes_with_each_push_does_not_matter(string one, string other) => Assert.Equal(Of(one), Of(other));

    [Theory]
    [InlineData("""{"a":1}""", """{"a":2}""")]
    [InlineData("""{"a":1}""", """{"b":1}""")]
    [InlineData("""{"a":1,"b":2}""", """{"b":2,"a":1}""")]
    [InlineData("""{"a":"1"}""", """{"a":1}""")]
    [InlineData("""{"a":9007199254740993}""", """{"a":9007199254740992}""")]
    [InlineData("x", "y")]
    [InlineData("{\"a\":1", "{\"a\":1,")]
    public void Other_payloads_have_other_fingerprints(string one, string other) => Assert.NotEqual(Of(one), Of(other));

    [Fact]
    public void Name_that_is_no_Unicode_counts_as_any_other()
    {
        Assert.Equal(Of("""{"\ud800":1,"queued_at":1}"""), Of("""{"\ud800":1,"queued_at":2}"""));
        Assert.NotEqual(Of("""{"\ud800":1}"""), Of("""{"\ud800":2}"""));
        Assert.NotEqual(Of("""{"\ud800":1}"""), Of("""{"\udbff":1}"""));
        Assert.Equal(Of("""{"a":1}"""), Of("""{"queued\u005fat":1,"a":1}"""));
    }

    [Fact]
    public void Fingerprint_is_16_characters_that_keys_may_hold() => Assert.Matches("^[A-Za-z0-9_-]{16}$", Of("""{"a":1}"""));
}

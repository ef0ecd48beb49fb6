using System.Text;
using System.Text.Json;
using Gristmill.Store.Payloads;

namespace Gristmill.Store.Tests.Payloads;

public sealed class JsonTextsTests
{
    [Theory]
    [InlineData("""job_id""", "job_id", true)]
    [InlineData("""job\u005fid""", "job_id", true)]
    [InlineData("""\u006A\u006f\u0062_id""", "job_id", true)]
    [InlineData("""job\u005fid2""", "job_id", false)]
    [InlineData("""job\u005fi""", "job_id", false)]
    [InlineData("""\ud83c\udfa7""", "🎧", true)]
    [InlineData("""\u00fc\u20ac""", "ü€", true)]
    [InlineData("""\b\f\n\r\t\"\\\/""", "\b\f\n\r\t\"\\/", true)]
    [InlineData("""\ud800""", "\uFFFD", false)]
    [InlineData("""\ud800""", "job_id", false)]
    [InlineData("""job_id\udc00""", "job_id", false)]
    [InlineData("""\ud83c\ud83c""", "🎧", false)]
    public void Name_is_compared_unescaped_and_half_a_pair_is_none(string name, string expected, bool same)
    {
        var json = new Utf8JsonReader(Encoding.UTF8.GetBytes($"\"{name}\""));
        json.Read();
        Assert.Equal(same, json.TextIs(Encoding.UTF8.GetBytes(expected)));
    }

    [Theory]
    [InlineData("""plain""", "plain")]
    [InlineData("""a\n\u00fc\ud83c\udfa7""", "a\nü🎧")]
    [InlineData("""\ud800 x""", "\uFFFD x")]
    [InlineData("""x\ud83c""", "x\uFFFD")]
    [InlineData("""\udfa7\ud83c\n""", "\uFFFD\uFFFD\n")]
    [InlineData("""\ud83c\ud83c\udfa7""", "\uFFFD🎧")]
    public void Text_has_a_replacement_for_half_a_pair(string text, string expected)
    {
        var json = new Utf8JsonReader(Encoding.UTF8.GetBytes($"\"{text}\""));
        json.Read();
        Assert.Equal(expected, json.ReadableText());
    }

    [Fact]
    public void Text_has_a_replacement_for_bytes_that_are_no_UTF8()
    {
        var json = new Utf8JsonReader([(byte)'"', 0xFF, (byte)'x', (byte)'"']);
        json.Read();
        Assert.Equal("\uFFFDx", json.ReadableText());
    }
}

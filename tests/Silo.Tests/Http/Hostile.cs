using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Gristmill.Silo.Tests.Http;

/// <summary>Values that break careless servers, by chance from a seed, and values as a schema wants them.</summary>
internal sealed class Hostile(Random random, JsonElement document)
{
    private static readonly string[] Texts =
    [
        "", " ", "a", "j1", "j2", "asr", "0", "-1", "1e309", "NaN", "Infinity", "0x10", "null", "true", "undefined", "9007199254740993", "18446744073709551616", "1~2", "line~", "scan~0", "scan~x", "5~99999999999",
        "..", ".", "../../etc/passwd", "a/b", "a\\b", "a\0b", "\r\nX-Injected: 1", "\u001b[31m", "%", "%s%n", "${jndi:ldap://x}", "{{7*7}}", "' OR 1=1 --", "<script>alert(1)</script>", "*", "(", "[",
        "мельница", "碾磨", "🌾", "\u202Eabc", "é", "e\u0301", "\uFEFF", "2999-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "tomorrow", "end", "queued", "high",
    ];

    private static readonly string[] RawSegments = ["%00", "%FF", "%C0%AF", "%ED%A0%80", "%ZZ", "%", "%2", "%2e%2e", "%2E", "..", ".", "%252F", "%2F", "a%0d%0ab", ";x=1", "a+b", "~", "!$&'()*,="];

    private static readonly string[] Numbers = ["0", "-0", "-1", "1", "9", "10", "1.5", "1e3", "1e308", "-1e308", "1e999", "2147483648", "9223372036854775808", "0.0001", "253402300800", "1E-400"];

    public T Any<T>(IReadOnlyList<T> of) => of[random.Next(of.Count)];

    public bool Chance(int percent) => random.Next(100) < percent;

    public string Text() => random.Next(12) == 0 ? new string((char)random.Next('a', 'z'), Any([255, 256, 257, 3000])) : Any(Texts);

    /// <summary>A part of a path, escaped or not.</summary>
    public string Segment() => Chance(30) ? Any(RawSegments) : Uri.EscapeDataString(Text());

    /// <summary>A body for a schema: as it wants it, changed a little, or nothing of the kind.</summary>
    public byte[] Body(JsonElement? schema)
    {
        if (schema is not { } wanted || Chance(15)) return Any(Nonsense());
        var text = Value(wanted, 0);
        return Chance(10) ? Encoding.UTF8.GetBytes(text)[..random.Next(Encoding.UTF8.GetByteCount(text) + 1)] : Encoding.UTF8.GetBytes(text);
    }

    private byte[][] Nonsense() =>
    [
        [], [0], [0xFF, 0xFE], [0xEF, 0xBB, 0xBF, (byte)'{', (byte)'}'], "nul"u8.ToArray(), "{"u8.ToArray(), "[]"u8.ToArray(), "{}"u8.ToArray(), "[null]"u8.ToArray(), "\"\\ud800\""u8.ToArray(), "{\"payload\":{\"a\":\"\xFF\"}}"u8.ToArray(),
        Encoding.UTF8.GetBytes(new string('[', 50_000)), Encoding.UTF8.GetBytes(new string('[', 79) + new string(']', 79)), Encoding.UTF8.GetBytes("{\"payload\":{}} x"), Encoding.UTF8.GetBytes(Any(Numbers)),
        "{\"payload\":{},\"payload\":{},\"id\":\"a\",\"id\":\"b\"}"u8.ToArray(), "// c\n{}"u8.ToArray(), Encoding.Latin1.GetBytes("{\"reason\":\"\u00e9\"}"), Encoding.UTF8.GetBytes($"{{\"{new string('k', 5000)}\":1}}"),
    ];

    private string Value(JsonElement schema, int depth)
    {
        if (Chance(10)) return Scalar();
        if (depth > 4) return "{}";
        if (schema.TryGetProperty("$ref", out var reference)) return Value(new JsonSchema(document).Resolve(reference.GetString()!), depth);
        if (schema.TryGetProperty("anyOf", out var any)) return Value(any[random.Next(any.GetArrayLength())], depth + 1);
        if (schema.TryGetProperty("enum", out var words) && Chance(80)) return words[random.Next(words.GetArrayLength())].GetRawText();
        return (schema.TryGetProperty("type", out var type) ? type.GetString() : "object") switch
        {
            "object" => Object(schema, depth),
            "array" => $"[{string.Join(',', Enumerable.Range(0, random.Next(4)).Select(_ => Value(schema.GetProperty("items"), depth + 1)))}]",
            "integer" or "number" => Chance(50) ? random.Next(1, 10).ToString(CultureInfo.InvariantCulture) : Any(Numbers),
            _ => JsonSerializer.Serialize(Chance(40) ? $"j{random.Next(5)}" : Text()),
        };
    }

    private string Object(JsonElement schema, int depth)
    {
        var members = schema.TryGetProperty("properties", out var known)
            ? known.EnumerateObject().Where(p => p.Name == "payload" ? Chance(90) : Chance(30)).Select(p => $"\"{p.Name}\":{(p.Name == "payload" && Chance(70) ? Payload() : Value(p.Value, depth + 1))}").ToList()
            : [];
        if (Chance(5)) members.Add($"{JsonSerializer.Serialize(Text())}:{Scalar()}");
        return $"{{{string.Join(',', members)}}}";
    }

    private string Payload() => Any(
    [
        "{}", """{"chunk":7}""", """{"session_id":"s1","chunk":1}""", """{"job_id":9007199254740993}""", """{"priority":"low","run_at":32503680000}""", """{"timeout":-1}""", """{"run_at":"never"}""",
        """{"depends_on":["j1","j1"]}""", """{"reply_to":"elsewhere"}""", """{"class":"W","args":[],"jid":"1"}""", """{"a":"\u0000"}""", """{"session_id":"\ud800"}""", $"{{\"session_id\":\"{new string('s', 300)}\"}}",
    ]);

    private string Scalar() => random.Next(6) switch
    {
        0 => "null", 1 => "true", 2 => Any(Numbers), 3 => "[[],{}]", 4 => "\"\\ud800\"", _ => JsonSerializer.Serialize(Text()),
    };
}

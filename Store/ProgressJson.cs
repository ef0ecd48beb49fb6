using System.Buffers;
using System.Text.Json;

namespace Gristmill.Store;

/// <summary>Progress on the wire: [done, total, "message"].</summary>
internal static class ProgressJson
{
    public static byte[] ToBytes(JobProgress progress)
    {
        var buffer = new ArrayBufferWriter<byte>(64);
        using (var json = new Utf8JsonWriter(buffer, JobHeader.WriterOptions)) WriteArray(json, progress);
        return buffer.WrittenSpan.ToArray();
    }

    public static void Write(Utf8JsonWriter json, ReadOnlySpan<byte> name, JobProgress progress)
    {
        json.WritePropertyName(name);
        WriteArray(json, progress);
    }

    public static JobProgress Parse(ReadOnlySpan<byte> utf8)
    {
        var json = new Utf8JsonReader(utf8);
        json.Read();
        return Read(ref json);
    }

    public static JobProgress Read(ref Utf8JsonReader json)
    {
        if (json.TokenType != JsonTokenType.StartArray) throw new JsonException("Progress is an array.");
        json.Read();
        var done = Whole(ref json);
        json.Read();
        var total = Whole(ref json);
        json.Read();
        var message = json.TokenType == JsonTokenType.String ? json.GetString() : null;
        while (json.TokenType != JsonTokenType.EndArray && json.Read()) json.TrySkip();
        return new JobProgress(done, total, message);
    }

    // A script that rewrote the header may have written a large number with an exponent.
    private static long Whole(ref Utf8JsonReader json) => json.TryGetInt64(out var number) ? number : (long)json.GetDouble();

    private static void WriteArray(Utf8JsonWriter json, JobProgress progress)
    {
        json.WriteStartArray();
        json.WriteNumberValue(progress.Done);
        json.WriteNumberValue(progress.Total);
        if (progress.Message is { } message) json.WriteStringValue(message);
        json.WriteEndArray();
    }
}

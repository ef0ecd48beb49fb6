using System.Text.Json;
using System.Text.Json.Serialization;

namespace Gristmill.Engine;

/// <summary>
/// A member as its record in Redis: JSON with readable names, since people and other tools look at it. Members of another
/// version may have more of it, which is skipped, or less.
/// </summary>
internal sealed record MemberRecord
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Converters = { new StatusConverter() },
    };

    public SiloStatus Status { get; init; }

    public string Host { get; init; } = "";

    public int Pid { get; init; }

    /// <summary>Unix time in ms.</summary>
    public long StartedAt { get; init; }

    public string Version { get; init; } = "";

    /// <summary>The oldest and the newest version of messages that the member reads.</summary>
    public int[] Protocol { get; init; } = [1, 1];

    public string[] Grains { get; init; } = [];

    public string Write() => JsonSerializer.Serialize(this, Json);

    /// <summary>The member; null for a record or an id that cannot be read.</summary>
    public static ClusterMember? Read(string id, ReadOnlySpan<byte> bytes)
    {
        if (SiloAddress.TryParse(id) is not { } address)
            return null;
        try
        {
            var record = JsonSerializer.Deserialize<MemberRecord>(bytes, Json) ?? new MemberRecord();
            return new ClusterMember(address, record.Status)
            {
                Host = record.Host ?? "",
                ProcessId = record.Pid,
                StartedAt = DateTimeOffset.FromUnixTimeMilliseconds(record.StartedAt),
                Version = record.Version ?? "",
                OldestProtocol = record.Protocol is [var oldest, ..] ? oldest : 1,
                NewestProtocol = record.Protocol is [_, var newest, ..] ? newest : 1,
                GrainClasses = record.Grains ?? [],
            };
        }
        catch (Exception malformed) when (malformed is JsonException or ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }

    // A status that a later version has: whatever it is, nothing is placed there, as on a silo that is not active yet.
    private sealed class StatusConverter : JsonConverter<SiloStatus>
    {
        public override bool HandleNull => true;

        public override SiloStatus Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.GetString() switch
            {
                "active" => SiloStatus.Active,
                "shuttingDown" => SiloStatus.ShuttingDown,
                _ => SiloStatus.Joining,
            };

        public override void Write(Utf8JsonWriter writer, SiloStatus value, JsonSerializerOptions options) =>
            writer.WriteStringValue(JsonNamingPolicy.CamelCase.ConvertName($"{value}"));
    }
}

/// <summary>How busy a member is, as it is written beside its record.</summary>
internal readonly record struct MemberLoad(int Activations, int CallsInFlight)
{
    public string Write() => $"{Activations} {CallsInFlight}";

    public static MemberLoad Read(string text)
    {
        var parts = text.Split(' ');
        return new(Number(0), Number(1));

        int Number(int index) => index < parts.Length && int.TryParse(parts[index], out var number) ? number : 0;
    }
}

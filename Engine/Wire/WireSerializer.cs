using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Gristmill.Engine;

/// <summary>
/// The wire form of calls, results and states: JSON whose members are named by their [Id] numbers. A member that the
/// reader does not know is skipped; one that is missing gets its default; a type is known from where it stands and is
/// never loaded by name. Size and depth are bounded on both sides.
/// </summary>
internal sealed class WireSerializer(int maxBytes)
{
    /// <summary>How deep values may nest: far deeper than records that people write.</summary>
    private const int MaxDepth = 32;

    public static JsonSerializerOptions Json { get; } = NewOptions();

    /// <summary>Writes a value as the type it is declared as.</summary>
    /// <exception cref="GristmillException">It is larger than the bound.</exception>
    public byte[] Write<T>(T value) => Bounded(JsonSerializer.SerializeToUtf8Bytes(value, Json));

    /// <summary>Reads a value.</summary>
    /// <exception cref="GristmillException">It is larger than the bound, or not of this type.</exception>
    public T Read<T>(ReadOnlySpan<byte> bytes)
    {
        Check(bytes.Length);
        try
        {
            return JsonSerializer.Deserialize<T>(bytes, Json) ?? throw new JsonException("It is null.");
        }
        catch (Exception malformed) when (IsMalformed(malformed))
        {
            throw Refused(typeof(T), malformed);
        }
    }

    /// <summary>Reads a part of a message.</summary>
    /// <exception cref="GristmillException">It is not of this type.</exception>
    public static object? ReadPart(JsonElement part, Type type)
    {
        try
        {
            return part.Deserialize(type, Json);
        }
        catch (Exception malformed) when (IsMalformed(malformed))
        {
            throw Refused(type, malformed);
        }
    }

    /// <summary>Whether an exception says that what was read is not what it should be.</summary>
    public static bool IsMalformed(Exception exception) =>
        exception is JsonException or FormatException or OverflowException or InvalidOperationException or ArgumentException;

    private static GristmillException Refused(Type type, Exception malformed) =>
        new(GristmillErrorKind.Invalid, $"What was received is not a {type.Name}: {malformed.Message}", innerException: malformed);

    private byte[] Bounded(byte[] bytes)
    {
        Check(bytes.Length);
        return bytes;
    }

    private void Check(int length)
    {
        if (length > maxBytes)
            throw new GristmillException(GristmillErrorKind.Invalid, $"A message or state of {length} bytes is over the bound of {maxBytes} ({nameof(GrainEngineOptions.MaxMessageBytes)}).");
    }

    private static JsonSerializerOptions NewOptions()
    {
        var resolver = new DefaultJsonTypeInfoResolver();
        resolver.Modifiers.Add(NameMembersById);
        var options = new JsonSerializerOptions
        {
            TypeInfoResolver = resolver,
            MaxDepth = MaxDepth,
            AllowDuplicateProperties = false,
            NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
            UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip,
        };
        options.MakeReadOnly();
        return options;
    }

    private static void NameMembersById(JsonTypeInfo info)
    {
        if (info.Kind != JsonTypeInfoKind.Object)
            return;
        if (!WireRules.IsRecord(info.Type))
            throw new NotSupportedException($"{info.Type} cannot cross a call or be kept as state: it has no [GenerateSerializer].");
        var ids = WireRules.MembersOf(info.Type).ToDictionary(m => m.Property.Name, m => m.Id, StringComparer.Ordinal);
        for (var index = info.Properties.Count - 1; index >= 0; index--)
        {
            var property = info.Properties[index];
            if (property.AttributeProvider is System.Reflection.PropertyInfo member && ids.TryGetValue(member.Name, out var id))
                (property.Name, property.IsRequired) = (id.ToString(System.Globalization.CultureInfo.InvariantCulture), false);
            else
                info.Properties.RemoveAt(index);
        }
    }
}

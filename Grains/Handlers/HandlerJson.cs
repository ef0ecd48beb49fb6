using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Gristmill.Grains.Handlers;

/// <summary>The JSON contract between producers and handlers in C#, where the silo's program sets no other.</summary>
internal static class HandlerJson
{
    /// <summary>
    /// Web defaults (camelCase, names in any case, numbers as text too); what a handler's type does not allow to be null
    /// must not be, and a parameter of its constructor without a default must be there unless it may be null.
    /// </summary>
    public static JsonSerializerOptions CreateOptions() => new(JsonSerializerDefaults.Web)
    {
        RespectNullableAnnotations = true,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { Demand } },
    };

    private static void Demand(JsonTypeInfo type)
    {
        foreach (var property in type.Properties)
        {
            // Only what is read is held to it: a result is recorded as it is.
            if (property.Get is not null && !property.PropertyType.IsValueType) property.IsGetNullable = true;
            if (property.AssociatedParameter is { HasDefaultValue: false } parameter && !MayBeNull(parameter)) property.IsRequired = true;
        }
    }

    private static bool MayBeNull(JsonParameterInfo parameter) =>
        parameter.ParameterType.IsValueType ? Nullable.GetUnderlyingType(parameter.ParameterType) is not null : parameter.IsNullable;
}

using System.Collections;

namespace Gristmill.Silo.Configuration;

/// <summary>What a type of options is made of, for those who walk the configuration and the types side by side.</summary>
internal static class OptionTypes
{
    /// <summary>The options by name.</summary>
    public static Dictionary<string, Type> MembersOf(Type type) => type.GetProperties().Where(p => p.GetMethod is { IsStatic: false })
        .ToDictionary(p => p.Name, p => Nullable.GetUnderlyingType(p.PropertyType) ?? p.PropertyType, StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether it is one value.</summary>
    public static bool IsLeaf(Type type) => type.IsPrimitive || type.IsEnum || type == typeof(string);

    /// <summary>Whether it has values by name.</summary>
    public static bool IsDictionary(Type type, out Type value)
    {
        var found = type.IsGenericType && type.GetGenericArguments() is [var key, _] && key == typeof(string) &&
            typeof(IEnumerable).IsAssignableFrom(type);
        value = found ? type.GetGenericArguments()[1] : typeof(object);
        return found;
    }

    /// <summary>Whether it has values by number.</summary>
    public static bool IsList(Type type, out Type item)
    {
        item = type.IsArray ? type.GetElementType()! : type.IsGenericType && type.GetGenericArguments() is [var only] ? only : typeof(object);
        return type.IsArray || (type.IsGenericType && typeof(IList).IsAssignableFrom(type));
    }
}

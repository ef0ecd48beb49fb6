using System.Collections;

namespace Gristmill.Silo.Configuration;

/// <summary>
/// Finds keys that no option reads: a misspelled option is a silo that runs with a default. Walks the configuration and the
/// options' types side by side.
/// </summary>
internal static class UnknownOptions
{
    public static IEnumerable<string> Find(IConfigurationSection section, Type type)
    {
        if (IsDictionary(type, out var value))
        {
            return section.GetChildren().SelectMany(child => Find(child, value));
        }

        if (IsList(type, out var item))
        {
            return section.GetChildren().SelectMany(child => Find(child, item));
        }

        return IsLeaf(type) ? [] : OfMembers(section, type);
    }

    private static IEnumerable<string> OfMembers(IConfigurationSection section, Type type)
    {
        var members = type.GetProperties().Where(p => p.GetMethod is { IsStatic: false })
            .ToDictionary(p => p.Name, p => Nullable.GetUnderlyingType(p.PropertyType) ?? p.PropertyType, StringComparer.OrdinalIgnoreCase);
        foreach (var child in section.GetChildren())
        {
            if (!members.TryGetValue(child.Key, out var member))
            {
                yield return Message(child, members.Keys);
                continue;
            }

            foreach (var below in Find(child, member))
            {
                yield return below;
            }
        }
    }

    private static string Message(IConfigurationSection child, IEnumerable<string> known) =>
        NearestName.Of(child.Key, known) is { } nearest
            ? $"{child.Path} is no option; did you mean {nearest}?"
            : $"{child.Path} is no option; there are {string.Join(", ", known.Order(StringComparer.Ordinal))}. " +
              "(A ':' or '__' in a name begins a new level: name the queue without it, and set its List.)";

    private static bool IsLeaf(Type type) => type.IsPrimitive || type.IsEnum || type == typeof(string) || type == typeof(TimeSpan);

    private static bool IsDictionary(Type type, out Type value)
    {
        var found = type.IsGenericType && type.GetGenericArguments() is [var key, _] && key == typeof(string) &&
            typeof(IEnumerable).IsAssignableFrom(type);
        value = found ? type.GetGenericArguments()[1] : typeof(object);
        return found;
    }

    private static bool IsList(Type type, out Type item)
    {
        item = type.IsArray ? type.GetElementType()! : type.IsGenericType && type.GetGenericArguments() is [var only] ? only : typeof(object);
        return type.IsArray || (type.IsGenericType && typeof(IList).IsAssignableFrom(type));
    }
}

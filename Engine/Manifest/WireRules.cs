using System.Reflection;

namespace Gristmill.Engine;

/// <summary>
/// What may cross a call or be kept as state: the plain types, arrays, lists and dictionaries of them, enums, and
/// sealed types with [GenerateSerializer] and [Alias] whose members carry [Id]s. A record is also [Immutable].
/// </summary>
internal static class WireRules
{
    private static readonly HashSet<Type> Plain =
    [
        typeof(string), typeof(bool), typeof(char), typeof(byte), typeof(sbyte), typeof(short), typeof(ushort), typeof(int),
        typeof(uint), typeof(long), typeof(ulong), typeof(float), typeof(double), typeof(decimal), typeof(Guid),
        typeof(DateTimeOffset), typeof(TimeSpan), typeof(byte[]), typeof(ReadOnlyMemory<byte>),
    ];

    private static readonly HashSet<Type> Sequences =
    [
        typeof(List<>), typeof(IReadOnlyList<>), typeof(IReadOnlyCollection<>), typeof(IEnumerable<>), typeof(IList<>),
        typeof(System.Collections.Immutable.ImmutableArray<>), typeof(System.Collections.Immutable.ImmutableList<>),
    ];

    private static readonly HashSet<Type> Dictionaries =
    [
        typeof(Dictionary<,>), typeof(IReadOnlyDictionary<,>), typeof(IDictionary<,>),
        typeof(System.Collections.Immutable.ImmutableDictionary<,>),
    ];

    /// <summary>One line for each breach of these types and of all they are made of.</summary>
    public static IEnumerable<string> Check(IEnumerable<Type> types)
    {
        var seen = new HashSet<Type>();
        var waiting = new Stack<Type>(types);
        var aliases = new Dictionary<string, Type>(StringComparer.Ordinal);
        while (waiting.TryPop(out var type))
        {
            if (!seen.Add(type) || Plain.Contains(type) || type.IsEnum)
                continue;
            if (PartsOf(type) is { } parts)
            {
                Array.ForEach(parts, waiting.Push);
                continue;
            }

            if (!type.IsDefined(typeof(GenerateSerializerAttribute)))
            {
                yield return $"{type}: cannot cross a call or be kept as state: it is neither plain nor has [GenerateSerializer].";
                continue;
            }

            foreach (var breach in OfRecord(type, aliases))
                yield return $"{type.FullName}: {breach}";
            foreach (var member in MembersOf(type))
                waiting.Push(member.Property.PropertyType);
        }
    }

    /// <summary>Whether a type has a wire form of its own making: members by [Id].</summary>
    public static bool IsRecord(Type type) => type.IsDefined(typeof(GenerateSerializerAttribute), inherit: false) && !type.IsEnum;

    /// <summary>The members that are written, with their numbers. A number may stand at the parameter of a primary constructor.</summary>
    public static IEnumerable<(PropertyInfo Property, uint Id)> MembersOf(Type type) =>
        from property in type.GetProperties(BindingFlags.Instance | BindingFlags.Public)
        let attribute = property.GetCustomAttribute<IdAttribute>() ?? ParameterOf(type, property)?.GetCustomAttribute<IdAttribute>()
        where attribute is not null
        select (property, attribute.Id);

    private static ParameterInfo? ParameterOf(Type type, PropertyInfo property) => type.GetConstructors()
        .SelectMany(c => c.GetParameters())
        .FirstOrDefault(p => string.Equals(p.Name, property.Name, StringComparison.OrdinalIgnoreCase) && p.ParameterType == property.PropertyType);

    private static Type[]? PartsOf(Type type)
    {
        if (type.IsArray)
            return type.GetArrayRank() == 1 ? [type.GetElementType()!] : null;
        if (!type.IsGenericType)
            return null;
        var definition = type.GetGenericTypeDefinition();
        return definition == typeof(Nullable<>) || Sequences.Contains(definition) || Dictionaries.Contains(definition)
            ? type.GetGenericArguments()
            : null;
    }

    private static IEnumerable<string> OfRecord(Type type, Dictionary<string, Type> aliases)
    {
        if (type.IsGenericType || !(type.IsSealed || type.IsValueType))
            yield return "what crosses a call is sealed and not generic.";
        if (type.GetMethod("<Clone>$") is not null && !type.IsDefined(typeof(ImmutableAttribute)))
            yield return "a record that crosses a call is [Immutable].";
        if (type.GetCustomAttributes<AliasAttribute>().FirstOrDefault()?.Alias is not { } alias)
            yield return "has no [Alias].";
        else if (!aliases.TryAdd(alias, type))
            yield return $"has the alias '{alias}' of {aliases[alias].FullName}.";
        foreach (var same in MembersOf(type).GroupBy(m => m.Id).Where(g => g.Count() > 1))
            yield return $"uses the id {same.Key} for {string.Join(" and ", same.Select(m => m.Property.Name))}.";
        foreach (var (property, _) in MembersOf(type))
        {
            if (property.SetMethod is not { IsPublic: true } && ParameterOf(type, property) is null)
                yield return $"{property.Name} has an [Id] but neither a public setter nor a constructor parameter.";
        }

        foreach (var property in type.GetProperties(BindingFlags.Instance | BindingFlags.Public))
        {
            if (property.SetMethod is { IsPublic: true } && property.GetIndexParameters().Length == 0 && MembersOf(type).All(m => m.Property != property))
                yield return $"{property.Name} can be set but has no [Id].";
        }

        foreach (var field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
        {
            if (field.IsDefined(typeof(IdAttribute)))
                yield return $"{field.Name} is a field; only properties carry [Id]s.";
        }

        if (type.GetConstructors().Length == 0)
            yield return "has no public constructor.";
    }
}

using System.Reflection;

namespace Gristmill.Engine;

/// <summary>
/// The rules that keep grains alike on both engines and their calls independent of C# names. Checked whole when the
/// engine is built; the message lists every breach.
/// </summary>
internal static class GrainRules
{
    /// <summary>Throws when a class, its interfaces or what they exchange breaks a rule.</summary>
    /// <exception cref="InvalidOperationException">With one line for each breach.</exception>
    public static void Check(IReadOnlyCollection<Type> classes)
    {
        var breaches = new List<string>();
        foreach (var type in classes)
            breaches.AddRange(OfClass(type));
        var interfaces = classes.SelectMany(InterfacesOf).Distinct().ToList();
        foreach (var type in interfaces)
            breaches.AddRange(OfInterface(type));
        breaches.AddRange(Repeated(classes, GrainClass.NameOf, "class name"));
        breaches.AddRange(Repeated(interfaces, AliasOf, "interface alias"));
        breaches.AddRange(WireRules.Check(interfaces.SelectMany(WireTypesOf).Concat(classes.SelectMany(StateTypesOf)).Distinct()));
        if (breaches.Count > 0)
            throw new InvalidOperationException("The grains break the engine's rules:\n" + string.Join("\n", breaches.Distinct()));
    }

    /// <summary>The interfaces of a class that grains can be asked for by.</summary>
    public static IEnumerable<Type> InterfacesOf(Type type) =>
        type.GetInterfaces().Where(i => i != typeof(IGrainWithStringKey) && i.IsAssignableTo(typeof(IGrainWithStringKey)));

    private static IEnumerable<string> OfClass(Type type)
    {
        if (!type.IsSubclassOf(typeof(Grain)) || type.IsAbstract || type.ContainsGenericParameters)
            yield return $"{type.FullName}: a grain class is a concrete, non-generic class derived from {nameof(Grain)}.";
        if (!InterfacesOf(type).Any())
            yield return $"{type.FullName}: implements no interface derived from {nameof(IGrainWithStringKey)}.";
        if (!type.IsDefined(typeof(PlacementAttribute)))
            yield return $"{type.FullName}: names no placement, [PreferLocalPlacement] or [RandomPlacement].";
        if (type.GetConstructors() is not [var constructor])
        {
            yield return $"{type.FullName}: has {type.GetConstructors().Length} public constructors, not one.";
        }
        else
        {
            foreach (var breach in constructor.GetParameters().SelectMany(OfState))
            {
                yield return $"{type.FullName}: {breach}";
            }
        }
    }

    private static IEnumerable<string> OfState(ParameterInfo parameter)
    {
        var attribute = parameter.GetCustomAttribute<PersistentStateAttribute>();
        var isState = parameter.ParameterType.IsGenericType && parameter.ParameterType.GetGenericTypeDefinition() == typeof(IPersistentState<>);
        if (isState != attribute is not null)
            yield return $"the state '{parameter.Name}' and its [PersistentState] must stand together.";
        if (!isState || attribute is null)
            yield break;
        if (!IsKeyPart(attribute.StateName) || (attribute.StorageName is { } store && !IsKeyPart(store)))
            yield return $"the names of the state '{parameter.Name}' and of its store are letters, digits, '-', '_' and '.'.";
        if (parameter.ParameterType.GetGenericArguments()[0] is { IsValueType: false } state && state.GetConstructor(Type.EmptyTypes) is null)
            yield return $"the state '{parameter.Name}' is a {state.Name}, which has no constructor without parameters.";
    }

    private static bool IsKeyPart(string name) => name.Length > 0 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');

    private static IEnumerable<string> OfInterface(Type type)
    {
        if (type.IsGenericType)
            yield return $"{type.FullName}: grain interfaces are not generic.";
        if (AliasOf(type) is null)
            yield return $"{type.FullName}: has no [Alias].";
        var methods = GrainInterface.MethodsOf(type).ToList();
        foreach (var method in methods)
        {
            foreach (var breach in OfMethod(method))
                yield return $"{type.FullName}.{method.Name}: {breach}";
        }

        foreach (var overloaded in methods.GroupBy(m => m.Name).Where(g => g.Count() > 1))
            yield return $"{type.FullName}.{overloaded.Key}: grain methods have no overloads.";
        foreach (var repeated in methods.GroupBy(AliasOf).Where(g => g.Key is not null && g.Count() > 1))
            yield return $"{type.FullName}: the method alias '{repeated.Key}' is used {repeated.Count()} times.";
    }

    private static IEnumerable<string> OfMethod(MethodInfo method)
    {
        if (method.IsGenericMethod)
            yield return "grain methods are not generic.";
        if (method.IsSpecialName)
            yield return "grain interfaces have no properties or events.";
        if (AliasOf(method) is null)
            yield return "has no [Alias].";
        if (!IsTask(method.ReturnType))
            yield return $"returns {method.ReturnType.Name}; grain methods return Task or Task<T>.";
        if (method.IsDefined(typeof(OneWayAttribute)) && method.ReturnType != typeof(Task))
            yield return "is [OneWay] and must return Task.";
        if (method.GetCustomAttribute<ResponseTimeoutAttribute>() is { Timeout: not { Ticks: > 0 } })
            yield return "has a [ResponseTimeout] that is not positive.";
        if (method.GetParameters().Any(p => p.ParameterType.IsByRef))
            yield return "has a ref, in or out parameter.";
        if (method.GetParameters().Count(p => p.ParameterType == typeof(CancellationToken)) > 1)
            yield return "has more than one CancellationToken.";
    }

    private static IEnumerable<string> Repeated(IEnumerable<Type> types, Func<Type, string?> name, string what) =>
        from type in types
        let key = name(type)
        where key is not null
        group type by key into same
        where same.Count() > 1
        select $"The {what} '{same.Key}' is used by {string.Join(" and ", same.Select(t => t.FullName))}.";

    private static string? AliasOf(MemberInfo member) => member.GetCustomAttributes<AliasAttribute>().FirstOrDefault()?.Alias;

    private static bool IsTask(Type type) =>
        type == typeof(Task) || (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Task<>));

    private static IEnumerable<Type> WireTypesOf(Type type) => GrainInterface.MethodsOf(type)
        .SelectMany(m => m.GetParameters().Select(p => p.ParameterType).Append(m.ReturnType.IsGenericType ? m.ReturnType.GetGenericArguments()[0] : m.ReturnType))
        .Where(t => t != typeof(CancellationToken) && t != typeof(Task));

    private static IEnumerable<Type> StateTypesOf(Type type) =>
        type.GetConstructors().Length == 1
            ? GrainClass.StatesOf(type).Where(s => s.ParameterType.IsGenericType).Select(s => s.StateType)
            : [];
}

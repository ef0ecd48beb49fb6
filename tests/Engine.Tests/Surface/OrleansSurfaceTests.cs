using System.Reflection;
using System.Text;

namespace Gristmill.Engine.Tests.Surface;

/// <summary>
/// The part of the Orleans 10 API that grains are written to, as OrleansSurface.txt lists it: what Engine declares of
/// it is that and no more, and Orleans has each line of it, namespaces aside.
/// </summary>
public sealed partial class OrleansSurfaceTests
{
    private static IEnumerable<string> Listed()
    {
        using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream("OrleansSurface.txt")!);
        return reader.ReadToEnd().Split('\n').Select(line => line.TrimEnd()).Where(line => line.Length > 0 && line[0] != '#');
    }

    private static IEnumerable<string> SurfaceOf(Type type)
    {
        yield return Head(type);
        const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        foreach (var line in type.GetMembers(All).Select(LineOf).OfType<string>().Order(StringComparer.Ordinal))
            yield return "  " + line;
    }

    private static string Head(Type type)
    {
        var kind = type.IsEnum ? $"enum ({Name(Enum.GetUnderlyingType(type))})" : type.IsValueType ? "struct" : type.IsInterface ? "interface"
            : type is { IsAbstract: true, IsSealed: true } ? "static class" : type.IsAbstract ? "abstract class" : type.IsSealed ? "sealed class" : "class";
        var bases = type.GetInterfaces().Except(type.GetInterfaces().SelectMany(i => i.GetInterfaces())).Select(Name).Order(StringComparer.Ordinal);
        if (type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType) && parent != typeof(Enum))
            bases = bases.Except(parent.GetInterfaces().Select(Name)).Prepend(Name(parent)).Order(StringComparer.Ordinal);
        var usage = type.GetCustomAttribute<AttributeUsageAttribute>(inherit: false) is { } u
            ? $" on {u.ValidOn}{(u.AllowMultiple ? ", many" : "")}{(u.Inherited ? "" : ", not inherited")}" : "";
        var list = type.IsEnum ? "" : string.Join(", ", bases);
        return $"{kind} {Name(type)}{(list.Length > 0 ? " : " + list : "")}{usage}";
    }

    private static string? LineOf(MemberInfo member) => member switch
    {
        FieldInfo { IsLiteral: true, IsPublic: true } f => $"{f.Name} = {Convert.ToInt64(f.GetRawConstantValue(), null)}",
        MethodBase m when !Visible(m) || (m.IsSpecialName && m is not ConstructorInfo) => null,
        ConstructorInfo c => $"{Access(c)}new({Parameters(c)})",
        MethodInfo m => $"{Access(m)}{(m.IsStatic ? "static " : m is { IsVirtual: true, IsFinal: false } && !m.DeclaringType!.IsInterface ? m.GetBaseDefinition() == m ? "virtual " : "override " : "")}{Name(m.ReturnType)} {m.Name}{Generic(m)}({Parameters(m)})",
        PropertyInfo p when p.GetMethod is { } get && Visible(get) => $"{Access(get)}{Name(p.PropertyType)} {p.Name} {{ get;{Setter(p)} }}",
        _ => null,
    };

    private static bool Visible(MethodBase m) => m.IsPublic || m.IsFamily || m.IsFamilyOrAssembly;

    private static string Access(MethodBase m) => m.IsFamilyOrAssembly ? "protected internal " : m.IsFamily ? "protected " : "";

    private static string Setter(PropertyInfo p) => p.SetMethod is { IsPublic: true } set
        ? set.ReturnParameter.GetRequiredCustomModifiers().Length > 0 ? " init;" : " set;" : "";

    private static string Generic(MethodInfo m) => m.IsGenericMethod
        ? $"<{string.Join(", ", m.GetGenericArguments().Select(a => a.Name + string.Concat(a.GetGenericParameterConstraints().Select(c => " : " + Name(c)))))}>" : "";

    private static string Parameters(MethodBase m) => string.Join(", ", m.GetParameters().Select((p, index) =>
        (index == 0 && m.IsDefined(typeof(System.Runtime.CompilerServices.ExtensionAttribute)) ? "this " : "")
        + $"{Name(p.ParameterType)} {p.Name}{(p.HasDefaultValue ? " = " + (p.RawDefaultValue ?? "null") : "")}"));

    private static string Name(Type type)
    {
        if (Nullable.GetUnderlyingType(type) is { } inner)
            return Name(inner) + "?";
        if (!type.IsGenericType)
            return type == typeof(void) ? "void" : type.Name;
        var name = new StringBuilder(type.Name[..type.Name.IndexOf('`', StringComparison.Ordinal)]);
        return name.Append('<').AppendJoin(", ", type.GetGenericArguments().Select(Name)).Append('>').ToString();
    }
}

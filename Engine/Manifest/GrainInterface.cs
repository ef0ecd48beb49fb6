using System.Collections.Frozen;
using System.Reflection;

namespace Gristmill.Engine;

/// <summary>A grain interface: its name on the wire, its methods with those it inherits, and the classes that implement it.</summary>
internal sealed class GrainInterface
{
    public GrainInterface(Type type)
    {
        Type = type;
        Alias = type.GetCustomAttribute<AliasAttribute>()!.Alias;
        var methods = MethodsOf(type).Select(method => new GrainMethod(this, method)).ToList();
        ByMethod = methods.ToFrozenDictionary(m => m.Method);
        ByAlias = methods.ToFrozenDictionary(m => m.Alias, StringComparer.Ordinal);
    }

    public Type Type { get; }

    public string Alias { get; }

    public FrozenDictionary<MethodInfo, GrainMethod> ByMethod { get; }

    public FrozenDictionary<string, GrainMethod> ByAlias { get; }

    /// <summary>The classes that implement the interface; more than one where a class name prefix chooses.</summary>
    public List<GrainClass> Classes { get; } = [];

    /// <summary>The methods that calls can name: the interface's own and those of the interfaces it extends.</summary>
    public static IEnumerable<MethodInfo> MethodsOf(Type type) =>
        type.GetInterfaces().Append(type).SelectMany(part => part.GetMethods(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic));

    public GrainClass ClassFor(string? prefix)
    {
        if (prefix is null && Classes.Count == 1)
            return Classes[0];
        var matches = Classes.Where(c => prefix is null || c.Type.FullName!.StartsWith(prefix, StringComparison.Ordinal)).ToList();
        return matches.Count == 1
            ? matches[0]
            : throw new ArgumentException(
                $"{matches.Count} grain classes implement {Type.FullName}{(prefix is null ? "" : $" with a name that starts with '{prefix}'")}; exactly one must.");
    }
}

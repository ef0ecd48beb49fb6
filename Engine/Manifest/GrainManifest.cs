using System.Collections.Frozen;

namespace Gristmill.Engine;

/// <summary>
/// All grain classes and interfaces of an engine, built and checked once at start. A call names its interface and
/// method by alias and its grain by class name; these tables are the only way from a name to a type.
/// </summary>
internal sealed class GrainManifest
{
    private readonly FrozenDictionary<Type, GrainInterface> _interfaces;
    private readonly FrozenDictionary<string, GrainInterface> _interfacesByAlias;
    private readonly FrozenDictionary<string, GrainClass> _classes;

    public GrainManifest(IEnumerable<Type> grainClasses, Func<Type, bool>? localOnly = null)
    {
        var types = grainClasses.Distinct().ToList();
        GrainRules.Check(types);
        var interfaces = new Dictionary<Type, GrainInterface>();
        var classes = new List<GrainClass>();
        foreach (var type in types)
        {
            var grainClass = new GrainClass(type, localOnly?.Invoke(type) ?? false);
            classes.Add(grainClass);
            foreach (var contract in GrainRules.InterfacesOf(type))
            {
                if (!interfaces.TryGetValue(contract, out var known))
                    interfaces.Add(contract, known = new GrainInterface(contract));
                known.Classes.Add(grainClass);
            }
        }

        _interfaces = interfaces.ToFrozenDictionary();
        _interfacesByAlias = interfaces.Values.ToFrozenDictionary(i => i.Alias, StringComparer.Ordinal);
        _classes = classes.ToFrozenDictionary(c => c.Name, StringComparer.Ordinal);
    }

    public IEnumerable<GrainClass> Classes => _classes.Values;

    public GrainClass Class(string name) =>
        _classes.TryGetValue(name, out var found) ? found : throw Unknown($"grain class '{name}'");

    public GrainInterface Interface(Type type) => _interfaces.TryGetValue(type, out var found)
        ? found
        : throw new ArgumentException($"No grain class of this silo implements {type.FullName}. Is its assembly among those given to the engine?");

    public GrainMethod Method(string interfaceAlias, string methodAlias) =>
        _interfacesByAlias.TryGetValue(interfaceAlias, out var found) && found.ByAlias.TryGetValue(methodAlias, out var method)
            ? method
            : throw Unknown($"method '{interfaceAlias}/{methodAlias}'");

    private static GristmillException Unknown(string what) =>
        new(GristmillErrorKind.NotFound, $"This silo does not know the {what}; is it of another version than the caller?");
}

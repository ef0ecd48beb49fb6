using System.Reflection;
using Microsoft.Extensions.DependencyInjection;

namespace Gristmill.Engine;

/// <summary>A grain class: its name on the wire, how it interleaves, its states, and how an instance is made.</summary>
internal sealed class GrainClass
{
    private readonly ObjectFactory _factory;

    public GrainClass(Type type, bool localOnly = false)
    {
        Type = type;
        LocalOnly = localOnly;
        PrefersLocal = type.IsDefined(typeof(PreferLocalPlacementAttribute));
        Name = NameOf(type);
        Reentrant = type.IsDefined(typeof(ReentrantAttribute));
        Activates = Overrides(nameof(Grain.OnActivateAsync));
        Deactivates = Overrides(nameof(Grain.OnDeactivateAsync));
        States = [.. StatesOf(type)];
        _factory = ActivatorUtilities.CreateFactory(type, [.. States.Select(s => s.ParameterType)]);
    }

    public Type Type { get; }

    public string Name { get; }

    public bool Reentrant { get; }

    /// <summary>Whether grains of the class are active on the silo that calls them, without the directory's word.</summary>
    public bool LocalOnly { get; }

    /// <summary>Whether a new activation is placed on the silo that calls first.</summary>
    public bool PrefersLocal { get; }

    /// <summary>Whether the class does anything when it is activated.</summary>
    public bool Activates { get; }

    /// <summary>Whether the class does anything when it is deactivated.</summary>
    public bool Deactivates { get; }

    /// <summary>The states the constructor asks for, in its order.</summary>
    public StateParameter[] States { get; }

    public Grain Create(IServiceProvider services, object[] states) => (Grain)_factory(services, states);

    /// <summary>The class's name without "Grain", in lower case: what Orleans calls it too.</summary>
    public static string NameOf(Type type)
    {
        var name = type.Name.EndsWith("Grain", StringComparison.Ordinal) && type.Name.Length > 5 ? type.Name[..^5] : type.Name;
        return name.ToLowerInvariant();
    }

    public static IEnumerable<StateParameter> StatesOf(Type type) =>
        from parameter in type.GetConstructors().Single().GetParameters()
        let attribute = parameter.GetCustomAttribute<PersistentStateAttribute>()
        where attribute is not null
        select new StateParameter(parameter.ParameterType, attribute.StateName, attribute.StorageName ?? "default");

    private bool Overrides(string method) => Type.GetMethod(method)!.DeclaringType != typeof(Grain);
}

/// <summary>A constructor parameter with <see cref="PersistentStateAttribute"/>.</summary>
internal sealed record StateParameter(Type ParameterType, string Name, string Store)
{
    public Type StateType => ParameterType.GetGenericArguments()[0];
}

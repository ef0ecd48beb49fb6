using System.ComponentModel;
using System.Globalization;
using Gristmill.Grains.Workers;
using Gristmill.Store.Payloads;

namespace Gristmill.Silo.Configuration;

/// <summary>A value that is none of its option's.</summary>
/// <param name="Path">The option's full path.</param>
/// <param name="Value">What stands there.</param>
/// <param name="Form">What should: "a whole number".</param>
internal sealed record WrongValue(string Path, string Value, string Form);

/// <summary>
/// Reads the values of a configuration by the types of its options, so that the binder finds only what it can convert: it
/// stops at the first value that it cannot, and speaks of .NET types. A wrong number becomes one that no bound allows, so
/// that the rules name the bound; anything else that is wrong is left out. A list that is given as one value is a list of
/// one, and a worker's command on one line is split into its words.
/// </summary>
internal sealed class OptionValues
{
    private readonly Dictionary<string, string?> _usable = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<WrongValue> _wrong = [];
    private readonly string _section;

    private OptionValues(string section) => _section = section;

    public IReadOnlyList<WrongValue> Wrong => _wrong;

    /// <summary>What the binder can convert.</summary>
    public IConfigurationSection Usable => new ConfigurationBuilder().AddInMemoryCollection(_usable).Build().GetSection(_section);

    public static OptionValues Read(IConfigurationSection section, Type type)
    {
        var values = new OptionValues(section.Path);
        values.Walk(section, type);
        return values;
    }

    private void Walk(IConfigurationSection section, Type type)
    {
        if (OptionTypes.IsLeaf(type)) Leaf(section, type);
        else if (section.Value is { Length: > 0 } value && !section.GetChildren().Any()) Scalar(section, type, value);
        else if (section.Value is { Length: > 0 } line && IsCommand(section, type)) Command(section, line);
        else if (OptionTypes.IsDictionary(type, out var named)) WalkAll(section, named);
        else if (OptionTypes.IsList(type, out var item)) WalkAll(section, item);
        else Members(section, type);
    }

    private void WalkAll(IConfigurationSection section, Type type)
    {
        foreach (var child in section.GetChildren()) Walk(child, type);
    }

    private void Members(IConfigurationSection section, Type type)
    {
        var members = OptionTypes.MembersOf(type);
        foreach (var child in section.GetChildren())
        {
            if (members.TryGetValue(child.Key, out var member)) Walk(child, member);
        }
    }

    private void Leaf(IConfigurationSection section, Type type)
    {
        if (section.Value is not { } value) return;
        if (Converts(value, type))
        {
            _usable[section.Path] = value;
            return;
        }

        _wrong.Add(new WrongValue(section.Path, value, FormOf(type) + WhyNot(value, type)));
        if (OutOfBounds(type) is { } number) _usable[section.Path] = number;
    }

    // One value where there should be several.
    private void Scalar(IConfigurationSection section, Type type, string value)
    {
        if (IsCommand(section, type)) Command(section, value);
        else if (OptionTypes.IsList(type, out var item) && item == typeof(string)) _usable[$"{section.Path}:0"] = value;
        else if (OptionTypes.IsList(type, out _)) _wrong.Add(new WrongValue(section.Path, value, $"a list: {section.Path}:0:…, {section.Path}:1:…"));
        else if (OptionTypes.IsDictionary(type, out _)) _wrong.Add(new WrongValue(section.Path, value, $"options by name: {section.Path}:NAME:…"));
        else _wrong.Add(new WrongValue(section.Path, value, $"options of its own: {string.Join(", ", OptionTypes.MembersOf(type).Keys.Order(StringComparer.Ordinal).Select(m => $"{section.Path}:{m}"))}"));
    }

    private static bool IsCommand(IConfigurationSection section, Type type) =>
        type == typeof(string[]) && section.Key.Equals(nameof(WorkerOptions.Command), StringComparison.OrdinalIgnoreCase);

    private void Command(IConfigurationSection section, string line)
    {
        if (ShellWords.Split(line) is not { } words)
        {
            _wrong.Add(new WrongValue(section.Path, line, "a program and its arguments, with each quote closed"));
            return;
        }

        for (var i = 0; i < words.Count; i++) _usable[$"{section.Path}:{i}"] = words[i];
    }

    // The converters of the binder.
    private static bool Converts(string value, Type type)
    {
        if (type == typeof(string)) return true;
        try
        {
            return TypeDescriptor.GetConverter(type).ConvertFromInvariantString(value) is not null;
        }
        catch (Exception error) when (error is FormatException or ArgumentException or OverflowException or NotSupportedException)
        {
            return false;
        }
    }

    private static string FormOf(Type type) => type.IsEnum ? string.Join(" or ", Enum.GetNames(type))
        : type == typeof(bool) ? "true or false"
        : type == typeof(double) ? "a number"
        : "a whole number";

    private static string WhyNot(string value, Type type) =>
        type == typeof(Dialect) && ForeignDialects.WhyNotTaken(value) is { } why ? $"; {value} cannot be taken: {why}" : string.Empty;

    private static string? OutOfBounds(Type type) => type == typeof(double) ? "NaN"
        : type == typeof(int) ? int.MinValue.ToString(CultureInfo.InvariantCulture)
        : type == typeof(long) ? long.MinValue.ToString(CultureInfo.InvariantCulture)
        : null;
}

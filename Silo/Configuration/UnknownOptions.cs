namespace Gristmill.Silo.Configuration;

/// <summary>
/// Finds keys that no option reads: a misspelled option is a silo that runs with a default. Walks the configuration and the
/// options' types side by side.
/// </summary>
internal static class UnknownOptions
{
    public static IEnumerable<string> Find(IConfigurationSection section, Type type)
    {
        if (OptionTypes.IsDictionary(type, out var value))
        {
            return section.GetChildren().SelectMany(child => Find(child, value));
        }

        if (OptionTypes.IsList(type, out var item))
        {
            return section.GetChildren().SelectMany(child => Find(child, item));
        }

        return OptionTypes.IsLeaf(type) ? [] : OfMembers(section, type);
    }

    private static IEnumerable<string> OfMembers(IConfigurationSection section, Type type)
    {
        var members = OptionTypes.MembersOf(type);
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
}

using System.Collections.Concurrent;
using System.Text;
using Gristmill.Redis;

namespace Gristmill.Store;

/// <summary>
/// One script, as its file says it. The header of Scripts/verb.lua names the keys (with the type that each must have),
/// the arguments and the library files that it uses; from these the loader makes the names that the script's text
/// speaks of (k_meta, a_generation, FIRST for where the repeated items begin), checks the types of all keys before
/// anything is written, and puts common.lua in front. Callers name keys never by position.
/// </summary>
internal sealed class StoreScript
{
    private static readonly ConcurrentDictionary<string, StoreScript> Loaded = new();

    private StoreScript(string name, string source)
    {
        Name = name;
        Source = source;
        Keys = [.. Words(source, "KEYS").Select(ScriptKey.Parse)];
        Arguments = Words(source, "ARGV");
        Items = Words(source, "ITEMS");
        Uses = Words(source, "USES");
        Script = new RedisScript(name, Compose());
    }

    /// <summary>The verb: the file's name without its ending.</summary>
    public string Name { get; }

    /// <summary>The file's own text.</summary>
    public string Source { get; }

    /// <summary>The keys in the order in which they are passed.</summary>
    public IReadOnlyList<ScriptKey> Keys { get; }

    /// <summary>The names of the arguments that come once.</summary>
    public IReadOnlyList<string> Arguments { get; }

    /// <summary>The names of the arguments that are repeated for each item.</summary>
    public IReadOnlyList<string> Items { get; }

    /// <summary>Library files that stand in front.</summary>
    public IReadOnlyList<string> Uses { get; }

    /// <summary>What is sent to Redis.</summary>
    public RedisScript Script { get; }

    /// <summary>The names of all scripts in this assembly.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        .. typeof(StoreScript).Assembly.GetManifestResourceNames()
            .Where(n => n.EndsWith(".lua", StringComparison.Ordinal))
            .Select(n => n.Split('.')[^2])
            .Where(n => Read(n).Contains("\n-- KEYS ", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>The script of that name.</summary>
    public static StoreScript Load(string name) => Loaded.GetOrAdd(name, n => new StoreScript(n, Read(n)));

    private static string Read(string name)
    {
        var assembly = typeof(StoreScript).Assembly;
        using var stream = assembly.GetManifestResourceStream($"Gristmill.Store.Scripts.{name}.lua")
            ?? throw new InvalidOperationException($"The assembly has no script '{name}'.");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    // The words behind a label of the header; the line may go on with ", " never: one line a label.
    private static string[] Words(string source, string label)
    {
        foreach (var line in source.Split('\n'))
        {
            if (line.StartsWith($"-- {label} ", StringComparison.Ordinal))
            {
                return line[(label.Length + 4)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            }
        }

        return [];
    }

    private string Compose()
    {
        var text = new StringBuilder();
        var at = 1;
        foreach (var key in Keys)
        {
            if (key.Count == 1)
            {
                text.Append($"local k_{key.Name} = KEYS[{at}]\n");
            }
            else
            {
                text.Append($"local k_{key.Name} = {{}}\nfor i = 0, {key.Count - 1} do k_{key.Name}[i] = KEYS[{at} + i] end\n");
            }

            at += key.Count;
        }

        for (var i = 0; i < Arguments.Count; i++)
        {
            text.Append($"local a_{Arguments[i]} = ARGV[{i + 1}]\n");
        }

        text.Append($"local FIRST = {Arguments.Count + 1}\n");
        text.Append(Read("common"));
        foreach (var library in Uses)
        {
            text.Append(Read(library));
        }

        // Shards are checked by the scripts, which know the ones that they touch.
        foreach (var key in Keys.Where(k => k.Count == 1))
        {
            text.Append($"do local bad = wrong_type(k_{key.Name}, '{key.Type}') if bad then return bad end end\n");
        }

        return text.Append(Source).ToString();
    }
}

/// <summary>A key in a script's header: name:type, or name:type*count for keys that are numbered from 0.</summary>
/// <param name="Name">What the script calls it.</param>
/// <param name="Type">The Redis type that it must have when it is there.</param>
/// <param name="Count">How many keys stand behind the name.</param>
internal sealed record ScriptKey(string Name, string Type, int Count)
{
    public static ScriptKey Parse(string word)
    {
        var star = word.IndexOf('*', StringComparison.Ordinal);
        var count = star < 0 ? 1 : int.Parse(word[(star + 1)..], System.Globalization.CultureInfo.InvariantCulture);
        var parts = (star < 0 ? word : word[..star]).Split(':');
        return new ScriptKey(parts[0], parts[1], count);
    }
}

namespace Gristmill.Silo.Findings;

/// <summary>A queue of another library, as seen in its keys.</summary>
/// <param name="Library">RQ, Celery and so on.</param>
/// <param name="Queue">The queue's name in that library.</param>
internal sealed record Dialect(string Library, string Queue)
{
    private static readonly (string Library, string Prefix, string Suffix)[] Lists =
    [
        ("RQ", "rq:queue:", ""),
        ("Resque", "resque:queue:", ""),
        ("Sidekiq", "queue:", ""),
        ("BullMQ", "bull:", ":wait"),
        ("BullMQ", "bull:", ":paused"),
        ("Asynq", "asynq:{", "}:pending"),
        ("Laravel", "queues:", ""),
    ];

    /// <summary>Recognises a list by its name, or, where names are free, by an item in it.</summary>
    /// <param name="key">The list.</param>
    /// <param name="item">Its first item; may be cut.</param>
    public static Dialect? OfList(string key, string item)
    {
        foreach (var (library, prefix, suffix) in Lists)
        {
            if (key.Length > prefix.Length + suffix.Length && key.StartsWith(prefix, StringComparison.Ordinal) && key.EndsWith(suffix, StringComparison.Ordinal))
            {
                return new Dialect(library, key[prefix.Length..^suffix.Length]);
            }
        }

        if (key == "celery" || (Has(item, "body") && Has(item, "headers") && Has(item, "content-encoding")))
        {
            return new Dialect("Celery", key);
        }

        // Prefixes are configurable in these; what they write is not.
        return Has(item, "jid") && Has(item, "class") ? new Dialect("Sidekiq", key)
            : item.Contains("Illuminate\\\\Queue", StringComparison.Ordinal) ? new Dialect("Laravel", key)
            : null;
    }

    /// <summary>Recognises a sorted set by its name.</summary>
    /// <param name="key">The sorted set.</param>
    /// <param name="hasArqJob">Whether a key arq:job:{first member} exists: a queue of ARQ can have any name.</param>
    public static Dialect? OfSortedSet(string key, bool hasArqJob) =>
        hasArqJob || key == "arq:queue" || key.StartsWith("arq:queue:", StringComparison.Ordinal) ? new Dialect("ARQ", key)
        : key.StartsWith("bull:", StringComparison.Ordinal) && key.EndsWith(":prioritized", StringComparison.Ordinal) && key.Length > "bull::prioritized".Length
            ? new Dialect("BullMQ", key["bull:".Length..^":prioritized".Length])
        : null;

    private static bool Has(string json, string member) => json.Contains($"\"{member}\"", StringComparison.Ordinal);
}

using System.Text.Json;

namespace Gristmill.Store.Payloads;

/// <summary>A queue of another library, as the name of its key says.</summary>
/// <param name="Library">RQ, BullMQ and so on.</param>
/// <param name="Queue">The queue's name in that library.</param>
public sealed record ForeignQueue(string Library, string Queue);

/// <summary>
/// All that is known of how other job libraries keep their queues in Redis, and nowhere else: the names of their keys, and
/// by <see cref="DialectMarks"/> the form of their messages. Where a name is one that anybody may choose (Sidekiq's
/// "queue:…", Laravel's "queues:…", any name with Celery) the message decides.
/// </summary>
/// <remarks>
/// From RQ 1.13, Celery 5.2, Sidekiq 6.4 and BullMQ 6.7 as they write; ARQ 0.26, Resque 2, Laravel 11 and asynq 0.24 by their
/// documented keys.
/// </remarks>
public static class ForeignDialects
{
    private static readonly (string Library, string Prefix, string Suffix)[] Lists =
    [
        ("RQ", "rq:queue:", ""),
        ("Resque", "resque:queue:", ""),
        ("BullMQ", "bull:", ":wait"),
        ("BullMQ", "bull:", ":paused"),
        ("Asynq", "asynq:{", "}:pending"),
    ];

    // What these libraries keep beside their queues: no jobs that wait.
    private static readonly (string Prefix, string Suffix)[] Beside =
    [
        ("rq:queue:", ":intermediate"), ("bull:", ":active"), ("asynq:{", "}:active"), ("queues:", ":notify"), ("resque:", "failed"),
    ];

    /// <summary>The queue that a list is by its name; null when the name says nothing.</summary>
    public static ForeignQueue? OfList(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (IsBeside(key)) return null;
        foreach (var (library, prefix, suffix) in Lists)
        {
            if (Between(key, prefix, suffix) is { } queue) return new ForeignQueue(library, queue);
        }

        return null;
    }

    /// <summary>The queue that a list is by its name or, where names are free, by an item of it; null when it is none that is known.</summary>
    public static ForeignQueue? OfList(string key, ReadOnlySpan<byte> item)
    {
        if (OfList(key) is { } named) return named;
        return OfMessage(item) is not { } library || IsBeside(key) ? null : new ForeignQueue(library, ShortName(library, key));
    }

    /// <summary>The queue that a sorted set is by its name; null when the name says nothing.</summary>
    public static ForeignQueue? OfSortedSet(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return key == "arq:queue" || key.StartsWith("arq:queue:", StringComparison.Ordinal) ? new ForeignQueue("ARQ", key)
            : Between(key, "bull:", ":prioritized") is { } queue ? new ForeignQueue("BullMQ", queue)
            : null;
    }

    /// <summary>Where ARQ keeps a job: a sorted set whose members have such keys is a queue of ARQ, whatever its name.</summary>
    public static string ArqJob(string member) => "arq:job:" + member;

    /// <summary>Whether a list is something that a library keeps beside its queues, such as jobs that run.</summary>
    public static bool IsBeside(string key)
    {
        foreach (var (prefix, suffix) in Beside)
        {
            if (Between(key, prefix, suffix) is not null || key == prefix + suffix) return true;
        }

        return false;
    }

    /// <summary>The library whose message this is; null when it is none that is known. The text may be cut.</summary>
    public static string? OfMessage(ReadOnlySpan<byte> item) => DialectOf(item)?.ToString();

    /// <summary>The same, as what a queue can be told to take.</summary>
    public static Dialect? DialectOf(ReadOnlySpan<byte> item)
    {
        item = item.TrimStart(" \t\r\n"u8);
        if (item.IsEmpty || item[0] != (byte)'{') return null;
        var json = new Utf8JsonReader(item, isFinalBlock: false, new JsonReaderState(new JsonReaderOptions { MaxDepth = PayloadReader.MaxDepth }));
        var marks = default(DialectMarks);
        try
        {
            if (!json.Read()) return null;
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                marks.See(ref json);
                if (!json.Read() || !json.TrySkip()) break;
            }
        }
        catch (JsonException)
        {
            // No JSON, so nobody's message.
            return null;
        }

        return marks.Library;
    }

    /// <summary>The set in which Celery says that a list is a queue of its own.</summary>
    public static string CeleryBinding(string list) => "_kombu.binding." + list;

    /// <summary>
    /// The library that keeps this list as its own: its name is one of that library's or, with Celery, bound by it, and at
    /// both ends lie its messages. Nothing is taken from such a list; a foreign message among others is a dead letter.
    /// </summary>
    /// <param name="list">The list.</param>
    /// <param name="oldest">The item at one end; may be cut.</param>
    /// <param name="newest">The item at the other.</param>
    /// <param name="isBound">Whether <see cref="CeleryBinding"/> is there.</param>
    public static string? OwnerOf(string list, ReadOnlySpan<byte> oldest, ReadOnlySpan<byte> newest, bool isBound)
    {
        if (OfList(list) is { } named) return IsObject(oldest) && OfMessage(oldest) != named.Library ? null : named.Library;
        var library = OfMessage(oldest);
        if (library is null || OfMessage(newest) != library) return null;
        return library == "Celery" ? (isBound ? library : null) : ShortName(library, list) != list ? library : null;
    }

    /// <summary>What is said of a list with an <see cref="OwnerOf"/>.</summary>
    public static string Owned(string list, string library) =>
        $"The list '{list}' is a queue of {library}, with its messages: nothing is taken from it, and every byte stays.";

    /// <summary>Whether a queue can be told to take the messages of a library.</summary>
    public static bool CanBeTaken(string library) => Enum.TryParse<Dialect>(library, out _);

    /// <summary>Why no queue can take the messages of a library; null when nothing of it is known here.</summary>
    /// <param name="library">Its name, in any case.</param>
    public static string? WhyNotTaken(string library) => library.ToUpperInvariant() switch
    {
        "RQ" or "BULLMQ" or "ASYNQ" => "its lists hold ids alone, and the jobs lie elsewhere",
        "ARQ" => "its queues are sorted sets of ids, and the jobs are no JSON",
        _ => null,
    };

    private static bool IsObject(ReadOnlySpan<byte> item) => !item.IsEmpty && item[0] == (byte)'{';

    private static string ShortName(string library, string key)
    {
        var prefix = library switch { "Sidekiq" => "queue:", "Laravel" => "queues:", "Resque" => "queue:", _ => null };
        var at = prefix is null ? -1 : key.IndexOf(prefix, StringComparison.Ordinal);
        return at < 0 || at + prefix!.Length == key.Length ? key : key[(at + prefix.Length)..];
    }

    private static string? Between(string key, string prefix, string suffix) =>
        key.Length > prefix.Length + suffix.Length && key.StartsWith(prefix, StringComparison.Ordinal) && key.EndsWith(suffix, StringComparison.Ordinal)
            ? key[prefix.Length..^suffix.Length]
            : null;
}

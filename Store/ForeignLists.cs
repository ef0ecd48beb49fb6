using System.Text.Json;
using System.Text.Json.Serialization;
using Gristmill.Store.Payloads;

namespace Gristmill.Store;

/// <summary>
/// The foreign lists that a queue's outcomes go to. Each silo announces them with its lease, so that whoever sends the outbox
/// knows them, also one that does not serve the queue.
/// </summary>
/// <param name="DeadLetters">The list that gets the queue's dead letters too; null for none.</param>
/// <param name="ReplyPrefixes">What a reply_to must begin with; empty for no replies.</param>
/// <param name="Fields">Which members of a payload say what.</param>
public sealed record ForeignLists(string? DeadLetters, IReadOnlyList<string> ReplyPrefixes, PayloadFields Fields)
{
    /// <summary>No lists at all.</summary>
    public static ForeignLists None { get; } = new(null, [], PayloadFields.Default);

    /// <summary>Why this may not be a job's reply list; null when it may.</summary>
    public string? WhyNot(string list)
    {
        if (list.StartsWith(RedisKeys.Prefix, StringComparison.Ordinal))
        {
            return $"The field '{Fields.ReplyTo}' names '{list}': keys that begin with {RedisKeys.Prefix} are Gristmill's own.";
        }

        return ReplyPrefixes.Any(p => list.StartsWith(p, StringComparison.Ordinal))
            ? null
            : $"The field '{Fields.ReplyTo}' names the list '{list}', which begins with none of the prefixes that the queue allows (ReplyToPrefixes).";
    }

    /// <summary>What the store's meta holds of the replies: the prefixes, and the names of two members; empty for none.</summary>
    internal string RepliesText() => ReplyPrefixes.Count == 0 ? string.Empty : JsonSerializer.Serialize([Fields.ReplyTo, Fields.JobId, .. ReplyPrefixes], ForeignListsJson.Default.StringArray);

    /// <summary>Reads what the store's meta holds: its fields mirror and replies.</summary>
    public static ForeignLists Parse(string? mirror, string? replies)
    {
        string[] words;
        try
        {
            words = replies is null ? [] : JsonSerializer.Deserialize(replies, ForeignListsJson.Default.StringArray) ?? [];
        }
        catch (JsonException)
        {
            // Somebody else wrote it: a silo puts it right with its next renewal.
            words = [];
        }

        return words is [{ } replyTo, { } jobId, .. { } prefixes]
            ? new ForeignLists(mirror, prefixes, new PayloadFields { ReplyTo = replyTo, JobId = jobId })
            : new ForeignLists(mirror, [], PayloadFields.Default);
    }
}

[JsonSerializable(typeof(string[]))]
internal sealed partial class ForeignListsJson : JsonSerializerContext;

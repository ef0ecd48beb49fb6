using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Gristmill.Grains.Options;

/// <summary>
/// The options of a queue that all its silos must have alike, since what one does with a job holds for the others: where jobs come
/// from, how they are read, and how those that belong together are treated.
/// </summary>
internal static class SharedOptions
{
    /// <summary>Each option with a digest of its value, which tells whether two are alike.</summary>
    public static IReadOnlyDictionary<string, string> Of(QueueOptions options) => new Dictionary<string, string>
    {
        ["Lists"] = Digest(string.Join('\n', options.AllLists().Select(l => $"{l.Name} {l.Priority}"))),
        ["PopFrom"] = Digest($"{options.OldestAt()}"),
        ["Dialect"] = Digest($"{options.Dialect}"),
        ["AllowOpaque"] = Digest($"{options.AllowOpaque}"),
        ["MaxPayloadBytes"] = Digest($"{options.MaxPayloadBytes}"),
        ["Fields"] = Digest(JsonSerializer.Serialize(options.Fields)),
        ["Sessions"] = Digest($"{options.Sessions?.ToPolicy(options.KeepFinishedSeconds).ToText()} {options.Sessions?.FinalQueue}"),
        ["DeadLetterList"] = Digest($"{options.DeadLetterList}"),
        ["ReplyToPrefixes"] = Digest(string.Join('\n', options.ReplyToPrefixes)),
    };

    private static string Digest(string value) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(value)).AsSpan(0, 4));
}

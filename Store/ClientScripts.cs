using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Gristmill.Redis;

namespace Gristmill.Store;

/// <summary>
/// The scripts for clients in other languages: what each must be given, by name, and the text that is sent. Silos keep them in Redis,
/// where a client finds those that fit the silos; gristmill scripts export writes the same for who wants them in a file. The
/// steps of silos are not among them: these may change with every version.
/// </summary>
public sealed class ClientScripts(IRedisClient redis, string service)
{
    /// <summary>The steps that clients make.</summary>
    public static IReadOnlyList<string> Verbs { get; } = ["cancel", "control", "enqueue", "purge", "requeue", "session_end", "session_view"];

    private static readonly Lazy<string> Digest = new(() => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Export("")))));

    /// <summary>All scripts as one JSON object: protocol, schema, version, scripts by name.</summary>
    /// <param name="version">The version of Gristmill.</param>
    public static string Export(string version) => JsonSerializer.Serialize(
        new ScriptExport(RedisKeys.Protocol, RedisKeys.Schema, version, Verbs.ToDictionary(verb => verb, Of)), ScriptExportJson.Default.ScriptExport);

    /// <summary>
    /// Puts the scripts where clients find them, unless those of this version or a later one are there: while silos of two
    /// versions run, the later one's stay.
    /// </summary>
    /// <param name="version">The version of Gristmill, such as 1.2.3.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <exception cref="RedisException">Redis failed.</exception>
    public async Task PublishAsync(string version, CancellationToken cancellationToken = default)
    {
        var key = RedisKeys.Scripts(service);
        var known = await redis.ExecuteAsync(new RedisCommand("HMGET", key, "version", "digest"), cancellationToken).ConfigureAwait(false);
        if (known[1].AsStringOrNull() == Digest.Value || Number(known[0].AsStringOrNull()) > Number(version)) return;
        var set = new RedisCommand("HSET", key, "protocol", RedisKeys.Protocol, "schema", RedisKeys.Schema, "version", version, "digest", Digest.Value);
        foreach (var verb in Verbs) set.Add(verb).Add(JsonSerializer.Serialize(Of(verb), ScriptExportJson.Default.ExportedScript));
        await redis.ExecuteAsync(set, cancellationToken).ConfigureAwait(false);
    }

    private static ExportedScript Of(string verb)
    {
        var script = StoreScript.Load(verb);
        var keys = script.Keys.SelectMany(k => k.Count == 1 ? [k.Name] : Enumerable.Range(0, k.Count).Select(n => $"{k.Name}:{n}"));
        return new ExportedScript([.. keys], script.Arguments, script.Items, script.Script.Body);
    }

    private static Version Number(string? version) => Version.TryParse(version?.Split('-')[0], out var number) ? number : new Version(0, 0);
}

/// <summary>What a client in another language needs to call the store.</summary>
internal sealed record ScriptExport(string Protocol, string Schema, string Version, Dictionary<string, ExportedScript> Scripts);

/// <summary>One script: names of its keys behind the queue's prefix, of its arguments and of what is repeated for each item; and the text.</summary>
internal sealed record ExportedScript(IReadOnlyList<string> Keys, IReadOnlyList<string> Arguments, IReadOnlyList<string> Items, string Body);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ScriptExport))]
internal sealed partial class ScriptExportJson : JsonSerializerContext;

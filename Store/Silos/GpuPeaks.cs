using System.Text.Json;
using Gristmill.Redis;

namespace Gristmill.Store;

/// <summary>The most that a model was seen to use of a type of device.</summary>
/// <param name="Model">The model.</param>
/// <param name="Type">The type of device, such as "NVIDIA A10".</param>
/// <param name="PeakMiB">In MiB.</param>
public sealed record GpuPeak(string Model, string Type, int PeakMiB);

/// <summary>
/// What models were seen to use, for all silos of a service and for those that start later. A sorted set: the member says
/// model and type, the score the peak, which only rises. Forgotten when nothing rose for <see cref="Keep"/>, or when somebody
/// removes the key or a member of it.
/// </summary>
public sealed class GpuPeaks(IRedisClient redis, string service)
{
    /// <summary>How many are kept, the largest: to know too little of a small one does least harm.</summary>
    public const int Most = 1000;

    /// <summary>How long they are kept after the last one rose: what a model needed once is seen again if it needs it still.</summary>
    public static readonly TimeSpan Keep = TimeSpan.FromDays(30);

    /// <summary>Raises peaks to these, as far as they are lower.</summary>
    /// <exception cref="RedisException">Redis failed; it can be done again.</exception>
    public async Task RaiseAsync(IReadOnlyList<GpuPeak> peaks, CancellationToken cancellationToken = default)
    {
        if (peaks.Count == 0) return;
        var key = RedisKeys.GpuPeaks(service);
        var raise = new RedisCommand("ZADD", key, "GT");
        foreach (var peak in peaks) raise.Add(peak.PeakMiB).Add(JsonSerializer.Serialize([peak.Model, peak.Type], GpuPeakJson.Default.StringArray));
        await redis.ExecuteAsync(raise, cancellationToken).ConfigureAwait(false);
        await redis.ExecuteAsync(new RedisCommand("ZREMRANGEBYRANK", key).Add(0).Add(-Most - 1), cancellationToken).ConfigureAwait(false);
        await redis.ExecuteAsync(new RedisCommand("PEXPIRE", key).Add((long)Keep.TotalMilliseconds), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>All peaks; what somebody else wrote there is passed over.</summary>
    /// <exception cref="RedisException">Redis failed.</exception>
    public async Task<IReadOnlyList<GpuPeak>> ReadAsync(CancellationToken cancellationToken = default)
    {
        var reply = await redis.ExecuteAsync(new RedisCommand("ZREVRANGE", RedisKeys.GpuPeaks(service)).Add(0).Add(Most - 1).Add("WITHSCORES"), cancellationToken).ConfigureAwait(false);
        var flat = new List<RedisReply>();
        foreach (var item in reply.AsList())
        {
            // Pairs in a row, or in arrays of two, as the server likes.
            if (item.IsAggregate) flat.AddRange(item.AsList());
            else flat.Add(item);
        }

        var peaks = new List<GpuPeak>();
        for (var i = 0; i + 1 < flat.Count; i += 2)
        {
            if (Parse(flat[i].AsString(), flat[i + 1].AsDouble()) is { } peak) peaks.Add(peak);
        }

        return peaks;
    }

    private static GpuPeak? Parse(string member, double score)
    {
        try
        {
            return JsonSerializer.Deserialize(member, GpuPeakJson.Default.StringArray) is [{ } model, { } type] && score is > 0 and < int.MaxValue ? new GpuPeak(model, type, (int)score) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

[System.Text.Json.Serialization.JsonSerializable(typeof(string[]))]
internal sealed partial class GpuPeakJson : System.Text.Json.Serialization.JsonSerializerContext;

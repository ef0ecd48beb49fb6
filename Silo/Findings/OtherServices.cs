using Gristmill.Redis;
using Gristmill.Store;

namespace Gristmill.Silo.Findings;

/// <summary>
/// For a command that was given a service of which nothing is in this Redis: which others are. A mistyped service is an empty
/// cluster, in which nothing is ever wrong.
/// </summary>
internal sealed class OtherServices(DoctorSettings settings, TimeProvider clock)
{
    private const int ScanCount = 250;
    private const int MostNamed = 5;
    private List<string>? _others;

    public async Task LookAsync(Probe probe, ClusterLook cluster, List<Finding> found, CancellationToken cancellationToken)
    {
        var service = settings.Options.Service;
        if (settings.SiloId is not null || cluster.Silos.Count > 0 || await probe.ExistsAsync(RedisKeys.Queues(service), cancellationToken).ConfigureAwait(false)) return;
        _others ??= await ScanAsync(probe, cancellationToken).ConfigureAwait(false);
        if (_others.Count == 0) return;
        var named = string.Join(", ", _others.Take(MostNamed).Select(o => $"'{o}'")) + (_others.Count > MostNamed ? $" and {_others.Count - MostNamed} more" : "");
        found.Add(new Finding("service_elsewhere", Finding.Warning, null,
            $"Nothing of the service '{service}' is in this Redis; there is {named}.", "Look with --service at the one that is meant; a service is set by Gristmill:Service, and is not a queue."));
    }

    private async Task<List<string>> ScanAsync(Probe probe, CancellationToken cancellationToken)
    {
        var (began, at) = (clock.GetTimestamp(), "0");
        var ends = RedisKeys.Queues("")[RedisKeys.Prefix.Length..];
        var services = new SortedSet<string>(StringComparer.Ordinal);
        for (var keys = 0; keys < settings.KeysPerLook && clock.GetElapsedTime(began) < settings.ScanLimit; keys += ScanCount)
        {
            var command = new RedisCommand("SCAN", at).Add("MATCH").Add($"{RedisKeys.Prefix}*{ends}").Add("COUNT").Add(ScanCount);
            if (await probe.AskAsync("SCAN", command, cancellationToken).ConfigureAwait(false) is not { Count: 2 } reply) break;
            foreach (var key in reply[1].AsList().Select(k => k.AsString()))
            {
                var service = key[RedisKeys.Prefix.Length..^ends.Length];
                if (RedisKeys.IsName(service)) services.Add(service);
            }

            at = reply[0].AsString();
            if (at == "0") break;
        }

        return [.. services];
    }
}

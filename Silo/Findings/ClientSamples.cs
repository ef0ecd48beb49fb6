using System.Globalization;
using System.Text;
using Gristmill.Redis;

namespace Gristmill.Silo.Findings;

/// <summary>A client of the server, as CLIENT LIST shows it.</summary>
internal sealed record RedisPeer(string Address, string Name, string Library, string Command, int AgeSeconds, int IdleSeconds, int Database, bool Waits)
{
    private const string Ours = "gristmill";
    private const string BullMq = "bull:";

    /// <summary>What takes items off lists.</summary>
    private static readonly HashSet<string> Pops = new(StringComparer.OrdinalIgnoreCase)
    {
        "blpop", "brpop", "lpop", "rpop", "blmove", "lmove", "brpoplpush", "rpoplpush", "blmpop", "lmpop",
    };

    public bool IsOurs => Name.StartsWith(Ours, StringComparison.Ordinal);

    public bool HasPopped => Pops.Contains(Command);

    /// <summary>The queue that a worker of BullMQ says in its name; null for others.</summary>
    public string? BullQueue
    {
        get
        {
            var bytes = new byte[Name.Length];
            return Name.StartsWith(BullMq, StringComparison.Ordinal) && Convert.TryFromBase64String(Name[BullMq.Length..].Split(':')[0], bytes, out var length)
                ? Encoding.UTF8.GetString(bytes, 0, length)
                : null;
        }
    }

    public override string ToString() =>
        $"{Address}{(Name.Length == 0 ? "" : $" '{Name}'")}{(Library.Length == 0 ? "" : $" ({Library})")}, " +
        $"{(Waits ? "waits in" : "last did")} {Command.ToUpperInvariant()}, connected for {AgeSeconds} s";

    public static IEnumerable<RedisPeer> Parse(string text)
    {
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var facts = line.TrimEnd('\r').Split(' ').Select(f => f.Split('=', 2)).Where(f => f.Length == 2)
                .GroupBy(f => f[0], StringComparer.Ordinal).ToDictionary(f => f.Key, f => f.First()[1], StringComparer.Ordinal);
            yield return new RedisPeer(
                facts.GetValueOrDefault("addr", "?"), facts.GetValueOrDefault("name", ""), facts.GetValueOrDefault("lib-name", ""),
                facts.GetValueOrDefault("cmd", ""), Number("age"), Number("idle"), Number("db"),
                facts.GetValueOrDefault("flags", "").Contains('b', StringComparison.Ordinal));

            int Number(string name) => int.TryParse(facts.GetValueOrDefault(name), NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : 0;
        }
    }
}

/// <summary>
/// Who is connected, sampled a few times within a look: somebody who polls with LPOP does other things between, and shows as
/// one who pops only while that was the last that he did. Not asked of a server with so many clients that the answer would
/// hold it up.
/// </summary>
internal static class ClientSamples
{
    private const int MostClients = 2000;

    /// <summary>The clients at the last sample, and all that were seen to pop, each as it was then.</summary>
    public static async Task<(IReadOnlyList<RedisPeer> Now, IReadOnlyList<RedisPeer> Popping)> TakeAsync(
        Probe probe, DoctorSettings settings, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (probe.Redis.Server is { IsGarnet: false } && await CountAsync(probe, cancellationToken).ConfigureAwait(false) is > MostClients and var many)
        {
            probe.Leave("CLIENT LIST", $"The server has {many} clients; with more than {MostClients} they are not listed.");
            return ([], []);
        }

        List<RedisPeer> now = [];
        var popping = new Dictionary<string, RedisPeer>(StringComparer.Ordinal);
        for (var i = 0; i < settings.ClientSamples; i++)
        {
            if (i > 0) await Task.Delay(settings.SamplePause, clock, cancellationToken).ConfigureAwait(false);
            if (await probe.AskAsync("CLIENT LIST", new RedisCommand("CLIENT", "LIST"), cancellationToken).ConfigureAwait(false) is not { } reply) return ([], []);
            now = [.. RedisPeer.Parse(reply.AsString())];
            foreach (var peer in now.Where(p => p.HasPopped && p.Database == settings.Database && !p.IsOurs)) popping[peer.Address] = peer;
        }

        if (now.Count > 0 && !now.Exists(p => p.Command.Length > 0)) probe.Leave("CLIENT LIST", "The server does not show what clients last did.");
        return (now, [.. popping.Values]);
    }

    private static async Task<int> CountAsync(Probe probe, CancellationToken cancellationToken)
    {
        var reply = await probe.AskAsync("INFO", new RedisCommand("INFO", "clients"), cancellationToken).ConfigureAwait(false);
        return reply is { IsNull: false } text && int.TryParse(ServerFacts.Parse(text.AsString()).GetValueOrDefault("connected_clients"), NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : 0;
    }
}

using System.Globalization;

namespace Gristmill.Testing;

/// <summary>
/// A network namespace with a cable to this one, which can be pulled: what runs in it is cut off as by a broken network,
/// with no word to anybody. It needs iproute2 and the right to make namespaces (<see cref="Tools"/>).
/// </summary>
public sealed class NetworkNamespace : IAsyncDisposable
{
    private const int Attempts = 20;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private static int _made;
    private readonly string _name;
    private readonly string _cable;

    private NetworkNamespace(string name, string cable, string address) => (_name, _cable, Address) = (name, cable, address);

    /// <summary>The address of this side of the cable, under which a process in the namespace finds a server here.</summary>
    public string Address { get; }

    /// <summary>What stands before a command that is to run there; it becomes that command's process.</summary>
    public IReadOnlyList<string> Prefix => ["ip", "netns", "exec", _name];

    /// <summary>Makes one.</summary>
    /// <exception cref="MissingToolException">iproute2 is missing, or it is not permitted: the test is skipped, or fails where CI=true.</exception>
    public static async Task<NetworkNamespace> MakeAsync()
    {
        Tools.Require(Tools.Ip);
        for (var attempt = 1; ; attempt++)
        {
            // Another test process may have taken the same numbers.
            var number = ((Environment.ProcessId * 31) + Interlocked.Increment(ref _made)) % 16_000;
            var (name, cable) = ($"gristmill-{number}", $"gm{number}");
            if (await RunAsync("netns", "add", name) is { } refused)
            {
                if (attempt < Attempts && refused.Contains("exists", StringComparison.Ordinal)) continue;
                throw new MissingToolException("the right to make network namespaces", $"ip netns add says: {refused}");
            }

            // 10.231.0.0/16 in quarters of four addresses.
            string Of(int host) => string.Create(CultureInfo.InvariantCulture, $"10.231.{number / 64}.{(number % 64 * 4) + host}");
            var made = new NetworkNamespace(name, cable, Of(1));
            var failure = await RunAsync("link", "add", cable, "type", "veth", "peer", "name", $"{cable}i")
                ?? await RunAsync("link", "set", $"{cable}i", "netns", name)
                ?? await RunAsync("addr", "add", $"{Of(1)}/30", "dev", cable)
                ?? await RunAsync("link", "set", cable, "up")
                ?? await RunAsync("-n", name, "addr", "add", $"{Of(2)}/30", "dev", $"{cable}i")
                ?? await RunAsync("-n", name, "link", "set", $"{cable}i", "up")
                ?? await RunAsync("-n", name, "link", "set", "lo", "up");
            if (failure is null) return made;
            await made.DisposeAsync();
            throw new MissingToolException("the right to join network namespaces", $"ip says: {failure}");
        }
    }

    /// <summary>Nothing comes through any more, and nobody is told.</summary>
    public Task PullAsync() => RequireAsync("link", "set", _cable, "down");

    /// <summary>The cable is back.</summary>
    public Task PlugAsync() => RequireAsync("link", "set", _cable, "up");

    public async ValueTask DisposeAsync()
    {
        // The other end of the cable, and what is in the namespace, go with them.
        await RunAsync("link", "del", _cable);
        await RunAsync("netns", "del", _name);
    }

    private static async Task RequireAsync(params string[] arguments)
    {
        if (await RunAsync(arguments) is { } failure) throw new InvalidOperationException($"ip {string.Join(' ', arguments)}: {failure}");
    }

    /// <returns>What it said when it failed; null when it did not.</returns>
    private static async Task<string?> RunAsync(params string[] arguments)
    {
        await using var ip = await ChildProcess.StartAsync("ip", arguments);
        await ip.WaitForExitAsync(Limit);
        return ip.ExitCode == 0 ? null : ip.Output;
    }
}

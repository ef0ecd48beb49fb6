using System.Globalization;
using System.Text;
using Gristmill.Redis;
using Gristmill.Simulation.Tests.World;

namespace Gristmill.Simulation.Tests.Redis;

/// <summary>
/// A process's connection to the simulated server. Requests arrive in the order in which they were sent, replies come back
/// in that order; each takes its time, either can be lost, and a caller hears within the time limit, if not from the server
/// then that it heard nothing.
/// </summary>
internal sealed class SimClient : IRedisClient
{
    private static readonly TimeSpan CommandTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Fastest = TimeSpan.FromMicroseconds(100);
    private static readonly TimeSpan Usual = TimeSpan.FromMilliseconds(3);
    private static readonly TimeSpan Slow = TimeSpan.FromSeconds(2);
    private readonly SimWorld _world;
    private readonly SimServer _server;
    private readonly SimProcess _process;
    private readonly double _slowness;
    private readonly List<Request> _open = [];
    private TimeSpan _lastArrival;
    private TimeSpan _lastReply;
    private bool _cut;

    /// <param name="world">The world.</param>
    /// <param name="server">The server.</param>
    /// <param name="process">The process whose connection it is.</param>
    /// <param name="slowness">How often a message takes up to two seconds.</param>
    public SimClient(SimWorld world, SimServer server, SimProcess process, double slowness)
    {
        (_world, _server, _process, _slowness) = (world, server, process, slowness);
        server.Restarted += LoseAll;
        server.Published += Hear;
    }

    /// <summary>Called with each message that gets through to this process, whatever its channel.</summary>
    public event Action<string, string>? Told;

    public bool IsConnected => !_cut;

    public Exception? LastError => null;

    public RedisServerInfo? Server => null;

    /// <summary>From now on nothing gets through, in either direction, until it is mended.</summary>
    public void Cut(TimeSpan length)
    {
        _world.Note($"{_process.Name}: cut off from the server for {length.TotalSeconds:0.0} s");
        _cut = true;
        _world.After(length, () =>
        {
            _world.Note($"{_process.Name}: reaches the server again");
            _cut = false;
        });
    }

    public ValueTask<RedisReply> ExecuteAsync(RedisCommand command, CancellationToken cancellationToken = default)
    {
        var words = Words(command.Take().Written);
        return Send(command.Name, () => SimLua.Reply(_server.Database.Do(words[0], words.GetRange(1, words.Count - 1))));
    }

    public ValueTask<RedisReply> EvaluateAsync(RedisScriptCall call, CancellationToken cancellationToken = default)
    {
        var script = call.Script;
        var keys = call.KeyCount;
        var words = Words(call.Take().Written);
        return Send(script.Name, () => _server.Run(script, words.GetRange(0, keys), words.GetRange(keys, words.Count - keys)));
    }

    public ValueTask<RedisDedicated> OpenDedicatedAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask<RedisSubscription> SubscribeAsync(string channel, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public IAsyncEnumerable<RedisConnectionState> WatchConnectionAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public string Describe() => "simulated";

    public ValueTask DisposeAsync()
    {
        _server.Restarted -= LoseAll;
        _server.Published -= Hear;
        return default;
    }

    private ValueTask<RedisReply> Send(string what, Func<RedisReply> make)
    {
        var request = new Request(what, make);
        _open.Add(request);
        _process.After(CommandTimeout, () => End(request, new RedisTimeoutException($"No reply to {what} within {CommandTimeout.TotalSeconds} s.")));
        _lastArrival = Later(_lastArrival, _world.Now + Delay());
        _world.After(_lastArrival - _world.Now, () => Arrive(request));
        return new ValueTask<RedisReply>(request.Answer.Task);
    }

    private void Arrive(Request request)
    {
        if (!_cut) _server.Serve(() => Execute(request));
    }

    private void Execute(Request request)
    {
        if (request.Lost) return;
        RedisReply reply = default;
        Exception? error = null;
        try
        {
            reply = request.Make();
        }
        catch (Exception failed)
        {
            error = failed;
        }

        _lastReply = Later(_lastReply, _world.Now + Delay());
        _world.After(_lastReply - _world.Now, () =>
        {
            if (_cut || request.Lost) return;
            _process.Do(() => End(request, error, reply));
        });
    }

    private void End(Request request, Exception? error, RedisReply reply = default)
    {
        // Who heard nothing in time has ended too; the request may still arrive.
        if (!_open.Remove(request)) return;
        if (error is not null) request.Answer.TrySetException(error);
        else request.Answer.TrySetResult(reply);
    }

    private void LoseAll()
    {
        foreach (var request in _open.ToList())
        {
            request.Lost = true;
            _process.Do(() => End(request, new RedisConnectionLostException("The server restarted.", null)));
        }
    }

    private void Hear(string channel, string message) => _world.After(Delay(), () =>
    {
        if (!_cut) _process.Do(() => Told?.Invoke(channel, message));
    });

    private TimeSpan Delay() => _world.Between(Fastest, _world.Chance(_slowness) ? Slow : Usual);

    private static TimeSpan Later(TimeSpan a, TimeSpan b) => a > b ? a : b;

    // Arguments stand in wire form: $length CRLF bytes CRLF.
    private static List<string> Words(ReadOnlySpan<byte> wire)
    {
        var words = new List<string>();
        while (wire.Length > 0)
        {
            var line = wire.IndexOf("\r\n"u8);
            var length = int.Parse(Encoding.ASCII.GetString(wire[1..line]), CultureInfo.InvariantCulture);
            words.Add(Encoding.Latin1.GetString(wire.Slice(line + 2, length)));
            wire = wire[(line + 4 + length)..];
        }

        return words;
    }

    private sealed class Request(string what, Func<RedisReply> make)
    {
        public string What => what;

        public Func<RedisReply> Make => make;

        public bool Lost { get; set; }

        // Its continuations run in the event that ends it: the world has one thread.
        public TaskCompletionSource<RedisReply> Answer { get; } = new();
    }
}

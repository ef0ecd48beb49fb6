using Gristmill.Redis;
using Gristmill.Simulation.Tests.World;

namespace Gristmill.Simulation.Tests.Redis;

/// <summary>What the server did, in its own order.</summary>
/// <param name="Script">The script that ran.</param>
/// <param name="Keys">Its keys.</param>
/// <param name="Arguments">Its arguments.</param>
/// <param name="Reply">What it answered.</param>
internal sealed record SimStep(string Script, IReadOnlyList<string> Keys, IReadOnlyList<string> Arguments, RedisReply Reply);

/// <summary>
/// A simulated Redis: one database, one command at a time, a clock of its own that can be set, and pauses. What is written
/// is kept, also when it restarts.
/// </summary>
internal sealed class SimServer
{
    private const long Epoch = 1_767_225_600_000;
    private readonly SimWorld _world;
    private readonly Queue<Action> _waiting = new();
    private TimeSpan _pausedUntil;
    private TimeSpan _clockStep;

    public SimServer(SimWorld world)
    {
        _world = world;
        Database = new SimDatabase(() => Milliseconds, (channel, message) => Published?.Invoke(channel, message));
    }

    public SimDatabase Database { get; }

    /// <summary>Called after each script, in the order in which they ran.</summary>
    public event Action<SimStep>? Stepped;

    /// <summary>Called for each message that was published.</summary>
    public event Action<string, string>? Published;

    /// <summary>Called when the server restarts: all connections are lost.</summary>
    public event Action? Restarted;

    /// <summary>The server's clock, Unix ms.</summary>
    public long Milliseconds => Epoch + (long)(_world.Now + _clockStep).TotalMilliseconds;

    /// <summary>Stands still for a while.</summary>
    public void Pause(TimeSpan length)
    {
        _world.Note($"server: pauses for {length.TotalSeconds:0.0} s");
        var until = _world.Now + length;
        if (until <= _pausedUntil) return;
        _pausedUntil = until;
        _world.After(length, Resume);
    }

    /// <summary>Serves a request that has arrived: at once, or after the pause, behind those that came before it.</summary>
    public void Serve(Action request)
    {
        if (_pausedUntil > _world.Now) _waiting.Enqueue(request);
        else request();
    }

    /// <summary>Ends all connections and is away for a while; nothing that was written is lost.</summary>
    public void Restart(TimeSpan length)
    {
        Pause(length);
        _world.Note("server: restarts");
        Restarted?.Invoke();
    }

    /// <summary>Sets its clock.</summary>
    public void StepClock(TimeSpan by)
    {
        _world.Note($"server: its clock steps by {by.TotalSeconds:0.0} s");
        _clockStep += by;
    }

    public RedisReply Run(RedisScript script, IReadOnlyList<string> keys, IReadOnlyList<string> arguments)
    {
        RedisReply reply;
        try
        {
            reply = SimLua.Run(Database, script, keys, arguments);
        }
        catch (RedisServerException error)
        {
            // No script may fail; what the simulation lacks shows here too.
            _world.Fail(error.Message);
            throw;
        }

        Stepped?.Invoke(new SimStep(script.Name, keys, arguments, reply));
        return reply;
    }

    private void Resume()
    {
        // A longer pause has begun meanwhile.
        if (_pausedUntil > _world.Now) return;
        while (_waiting.TryDequeue(out var next)) next();
    }
}

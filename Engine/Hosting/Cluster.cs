using Gristmill.Redis;

namespace Gristmill.Engine;

/// <summary>
/// This silo's part in its cluster, put together: membership, directory, and the messages to and from the other silos. There
/// is none without Redis.
/// Called by: <see cref="GrainEngineService"/>, which starts and stops it; the membership tells it of changes.
/// Steps of the end: take no new activations and say so → the activations end → answers go out → leave → what was still sent
/// here is turned away.
/// </summary>
internal sealed class Cluster : IMembershipListener, IAsyncDisposable
{
    /// <summary>How long a member that left in order may take to answer what was sent to it last.</summary>
    private static readonly TimeSpan LeaveGrace = TimeSpan.FromSeconds(5);

    private readonly GrainEngine _engine;
    private readonly Inbox _inbox;

    public Cluster(GrainEngine engine, IMembershipTable table, IGrainDirectory directory, IMessageChannel channel, CallCodec codec)
    {
        _engine = engine;
        Membership = new Membership(table, engine.Options, engine.Record, this, Guid.NewGuid, engine.Time, engine.Log);
        Locator = new GrainLocator(directory, () => Membership.LocalSilo, engine.Router.Located);
        Silos = new RemoteSilos(engine, channel, codec);
        _inbox = new Inbox(engine, Silos, codec);
    }

    public Membership Membership { get; }

    public GrainLocator Locator { get; }

    public RemoteSilos Silos { get; }

    MemberLoad IMembershipListener.Load => new(_engine.Catalog.Count, Silos.InFlight);

    public static Cluster OnRedis(GrainEngine engine, IRedisClient redis, CallCodec codec)
    {
        var keys = new ClusterKeys(engine.Options.ServiceId, engine.Options.ClusterId, engine.Options.Database);
        return new Cluster(
            engine, new RedisMembershipTable(redis, keys), new RedisGrainDirectory(redis, keys), new RedisMessageChannel(redis, keys), codec);
    }

    /// <summary>Joins. Where Redis cannot be reached, the silo starts without it and joins when it can.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _inbox.Start();
        Membership.Start();
        try
        {
            await Membership.FirstJoin.WaitAsync(_engine.Options.MembershipTtl, _engine.Time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _engine.Log.NotJoined(Membership.LocalSilo, _engine.Options.MembershipTtl.TotalSeconds, Membership.Trouble ?? "Redis does not answer.");
        }
    }

    /// <summary>Leaves, after all activations have ended.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Silos.FlushAsync(cancellationToken).ConfigureAwait(false);
            await _inbox.BeginEndAsync(cancellationToken).ConfigureAwait(false);
            await Membership.LeaveAsync(cancellationToken).ConfigureAwait(false);
            await _inbox.EndAsync(cancellationToken).ConfigureAwait(false);
            await _engine.Router.TurnedAway.WaitAsync(cancellationToken).ConfigureAwait(false);
            await Silos.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is RedisException or OperationCanceledException)
        {
            _engine.Log.LeaveFailed(Membership.LocalSilo, failure.Message);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Membership.DisposeAsync().ConfigureAwait(false);
        await _inbox.DisposeAsync().ConfigureAwait(false);
        Silos.Dispose();
    }

    void IMembershipListener.Changed(IReadOnlyList<SiloAddress> gone, IReadOnlyList<string> left)
    {
        foreach (var member in gone)
        {
            // One that left in order still answers what it did not run.
            if (left.Contains(member.Id, StringComparer.Ordinal))
                Silos.Gone(member.Id, $"{member} has left the cluster without an answer.", LeaveGrace);
            else
                Silos.Gone(member.Id, $"{member} is gone from the cluster.");
        }
    }

    void IMembershipListener.Lost(SiloAddress former)
    {
        _inbox.Switch();
        Silos.EndAll($"{former}, the silo that called, was counted out of its cluster.");
    }

    async Task IMembershipListener.ReregisterAsync(SiloAddress silo, CancellationToken cancellationToken)
    {
        var held = _engine.Catalog.All.Where(activation => activation.Directory is not null).Select(activation => activation.Id).ToList();
        var taken = await Locator.ReregisterAsync(silo, held, cancellationToken).ConfigureAwait(false);
        foreach (var grain in taken)
        {
            _engine.Catalog.Find(grain)?.Deactivate(new(
                DeactivationReasonCode.DuplicateActivation, $"Another silo has activated {grain} while this one was counted out."));
        }

        _engine.Log.Reregistered(silo, held.Count - taken.Count, taken.Count);
    }
}

using Gristmill.Engine;
using Gristmill.Redis;
using Gristmill.Simulation.Tests.Redis;
using Gristmill.Simulation.Tests.World;
using Microsoft.Extensions.Logging;

namespace Gristmill.Simulation.Tests.Members;

/// <summary>
/// A silo of the engine: the product's membership and directory, with the world's events in place of the engine's loops and
/// activations. It renews, hears of changes, activates grains that it has registered, and ends them after a while.
/// </summary>
internal sealed class SimMember : IMembershipListener
{
    public static readonly GrainEngineOptions Options = new();
    private static readonly TimeSpan LongestThought = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestLife = TimeSpan.FromSeconds(10);
    private readonly SimWorld _world;
    private readonly RedisGrainDirectory _directory;
    private readonly HashSet<GrainId> _starting = [];
    private readonly HashSet<GrainId> _active = [];
    private readonly int _grains;
    private bool _renewing;
    private bool _again;

    public SimMember(SimWorld world, SimServer server, string name, int grains, double slowness, ILogger log)
    {
        (_world, _grains) = (world, grains);
        Process = new SimProcess(world, name);
        Redis = new SimClient(world, server, Process, slowness);
        _directory = new RedisGrainDirectory(Redis, Keys);
        var options = new GrainEngineOptions { SiloName = name };
        Membership = new Membership(new RedisMembershipTable(Redis, Keys), options, new MemberRecord(), this, NewGeneration, world.Clock, log);
        Redis.Told += (_, _) => _ = RenewAsync();
        Process.After(world.Between(TimeSpan.Zero, Options.MembershipRenew), Tick);
        Think();
    }

    public static ClusterKeys Keys { get; } = new("sim", "default", 0);

    public SimProcess Process { get; }

    public SimClient Redis { get; }

    public Membership Membership { get; }

    /// <summary>How often this silo was counted out.</summary>
    public int TimesLost { get; private set; }

    /// <summary>Called when a grain has become active here.</summary>
    public event Action<SimMember, GrainId>? Activated;

    MemberLoad IMembershipListener.Load => default;

    /// <summary>Whether it may believe that what is active here is active nowhere else.</summary>
    public bool IsSure => Process.Runs && Membership.LocalStatus == SiloStatus.Active && !Membership.IsCutOff;

    public bool Has(GrainId grain) => _active.Contains(grain);

    void IMembershipListener.Changed(IReadOnlyList<SiloAddress> gone, IReadOnlyList<string> left)
    {
    }

    void IMembershipListener.Lost(SiloAddress former) => TimesLost++;

    // As the engine does it: what is active and what is about to be.
    async Task IMembershipListener.ReregisterAsync(SiloAddress silo, CancellationToken cancellationToken)
    {
        List<GrainId> held = [.. _active, .. _starting];
        if (held.Count == 0) return;
        var holders = await _directory.RegisterAsync(silo.Id, held, cancellationToken) ?? throw new InvalidOperationException("no member");
        for (var i = 0; i < held.Count; i++)
        {
            if (holders[i] == silo.Id) continue;
            _active.Remove(held[i]);
            _starting.Remove(held[i]);
        }
    }

    private Guid NewGeneration()
    {
        Span<byte> bytes = stackalloc byte[16];
        _world.Random.NextBytes(bytes);
        return new Guid(bytes);
    }

    private void Tick()
    {
        _ = RenewAsync();
        Process.After(Options.MembershipRenew, Tick);
    }

    // As the loop does it: one at a time, and another one when somebody asked meanwhile.
    private async Task RenewAsync()
    {
        _again = true;
        if (_renewing) return;
        _renewing = true;
        while (_again)
        {
            _again = false;
            try
            {
                var before = Membership.LocalSilo;
                await Membership.RenewAsync(CancellationToken.None);
                _again |= Membership.LocalSilo != before;
            }
            catch (RedisException)
            {
                // The next tick tries again.
            }
        }

        _renewing = false;
    }

    private void Think()
    {
        Process.After(_world.Between(TimeSpan.Zero, LongestThought), () =>
        {
            _ = ActivateAsync(new GrainId("sim", $"{_world.Random.Next(_grains)}"));
            Think();
        });
    }

    private async Task ActivateAsync(GrainId grain)
    {
        if (!Membership.IsMember || _active.Contains(grain) || !_starting.Add(grain)) return;
        try
        {
            var silo = Membership.LocalSilo.Id;
            var holders = await _directory.RegisterAsync(silo, [grain], CancellationToken.None);

            // Another one has it, or a renewal meanwhile has found that out.
            if (holders is null || holders[0] != silo || !_starting.Contains(grain)) return;
            _active.Add(grain);
            Activated?.Invoke(this, grain);
            Process.After(_world.Between(TimeSpan.Zero, LongestLife), () => _ = DeactivateAsync(grain));
        }
        catch (RedisException)
        {
            // No call ran.
        }
        finally
        {
            _starting.Remove(grain);
        }
    }

    private async Task DeactivateAsync(GrainId grain)
    {
        if (!_active.Remove(grain)) return;
        try
        {
            await _directory.UnregisterAsync(Membership.LocalSilo.Id, [grain], CancellationToken.None);
        }
        catch (RedisException)
        {
            // The directory names this silo until somebody calls the grain.
        }
    }
}

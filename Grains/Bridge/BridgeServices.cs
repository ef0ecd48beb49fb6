using Gristmill.Grains.Jobs;
using Gristmill.Grains.Options;
using Gristmill.Grains.Silo;
using Gristmill.Redis;

namespace Gristmill.Grains.Bridge;

/// <summary>What bridges of one silo share.</summary>
/// <param name="Redis">The silo's client.</param>
/// <param name="Silo">Who the silo is.</param>
/// <param name="Options">The silo's options.</param>
/// <param name="Jobs">The jobs that can be asked for.</param>
/// <param name="Clock">The clock.</param>
/// <param name="Random">Jitter and epochs.</param>
/// <param name="Attach">Makes a job grain of a running job, by queue/id.</param>
/// <param name="SendOutbox">Has a queue's outbox sent.</param>
/// <param name="FinishSession">Has a session brought to its end, by queue/session.</param>
/// <param name="Count">Counts jobs that completed, and that became dead letters.</param>
internal sealed record BridgeServices(
    IRedisClient Redis, SiloIdentity Silo, GristmillOptions Options, RunningJobs Jobs, TimeProvider Clock, Random Random, Action<string> Attach, Action<string> SendOutbox,
    Action<string> FinishSession, Action<int, int> Count);

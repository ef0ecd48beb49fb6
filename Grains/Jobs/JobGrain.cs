using Gristmill.Grains.Silo;

namespace Gristmill.Grains.Jobs;

/// <summary>
/// A job that runs for long, as an addressable thing: tells how far it is without a way through the store, and passes a
/// cancel on. The bridge attaches it on the silo that runs the job; asked elsewhere or later it has nothing to tell and
/// goes.
/// </summary>
[PreferLocalPlacement]
internal sealed class JobGrain(RunningJobs jobs, SiloIdentity silo) : Grain, IJobGrain
{
    public Task AttachAsync()
    {
        Find();
        return Task.CompletedTask;
    }

    public Task<RunningJobView?> GetAsync()
    {
        if (Find() is not { } run) return Task.FromResult<RunningJobView?>(null);
        var progress = run.Progress;
        return Task.FromResult<RunningJobView?>(new RunningJobView(
            run.Id, run.Attempt, DateTimeOffset.FromUnixTimeMilliseconds(run.StartedAt), progress?.Done ?? 0, progress?.Total ?? 0, progress?.Message, silo.Name));
    }

    public Task<bool> CancelAsync()
    {
        var run = Find();
        run?.End(EndCause.Requested);
        return Task.FromResult(run is not null);
    }

    private JobRun? Find()
    {
        var run = jobs.Find(this.GetPrimaryKeyString());
        if (run is null) DeactivateOnIdle();
        return run;
    }
}

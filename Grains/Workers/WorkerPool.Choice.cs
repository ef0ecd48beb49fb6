namespace Gristmill.Grains.Workers;

/// <summary>Which idle worker gets which of the jobs in line. All of it under the pool's lock.</summary>
internal sealed partial class WorkerPool
{
    private readonly WorkerHomes<WorkerProcess> _homes = new();

    // Which worker gets which job: the one that knows the session of one of the first in line, else the first in line goes to
    // one that has not served a session for longest, so that those who may soon be asked for again stay free.
    private (WorkerProcess? Worker, WorkerJob? First) Choose(List<WorkerProcess> idle)
    {
        if (_line.ForHome(_homes, idle) is { } match && HasSlot(match.Home))
        {
            return (match.Home, match.Job);
        }

        return (idle.OrderBy(worker => worker.IsHeld ? 0 : 1).ThenBy(_homes.LastServed).FirstOrDefault(HasSlot), _line.First);
    }

    // Under the lock: the jobs are the worker's from now on, and so are their sessions.
    private void Given(WorkerProcess worker, IReadOnlyList<WorkerJob> jobs)
    {
        worker.IsHeld = false;
        OnWorkers(worker, jobs.Count);
        foreach (var session in jobs.Select(job => job.Attempt.SessionId).OfType<string>())
        {
            _homes.Serves(session, worker);
        }
    }
}

using System.Diagnostics;
using Gristmill.Testing;

namespace Gristmill.Grains.Tests.Workers;

public sealed class ProcessGuardTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Silo_killed_by_kill_9_leaves_no_worker_and_no_guard(bool guardDiedBefore)
    {
        Tools.Require(Tools.Python);
        using var silo = WorkerParent.Start();
        var worker = await WorkerParent.ReadAsync(silo, "worker");
        var guard = await WorkerParent.ReadAsync(silo, "guard");
        try
        {
            if (guardDiedBefore)
            {
                Kill(guard);
                guard = await WorkerParent.ReadAsync(silo, "guard");
            }

            // The worker ignores SIGTERM and the end of its stdin, and so does its child.
            await Wait.UntilAsync(() => WorkerParent.Members(worker).Count >= 2);
            silo.Kill();
            await Wait.UntilAsync(() => WorkerParent.Members(worker).Count == 0, () => string.Join(' ', WorkerParent.Members(worker)));
            await Wait.UntilAsync(() => Wait.IsDead(guard));
        }
        finally
        {
            foreach (var left in WorkerParent.Members(worker).Append(silo.Id))
            {
                Kill(left);
            }
        }
    }

    private static void Kill(int processId)
    {
        try
        {
            using var process = Process.GetProcessById(processId);
            process.Kill();
        }
        catch (ArgumentException)
        {
            // Gone already.
        }
    }
}

using System.Diagnostics;
using Gristmill.Grains.Handlers;

namespace Gristmill.FaultHandlers;

/// <summary>Does as the payload says, and writes a line when an attempt starts and when it ends.</summary>
[JobHandler("ledger")]
public sealed class LedgerHandler : IJobHandler<Work, WorkDone>
{
    private static readonly TimeSpan GateLook = TimeSpan.FromMilliseconds(10);

    public async Task<WorkDone> HandleAsync(Work payload, JobContext context, CancellationToken cancellationToken)
    {
        Note(LedgerMark.Start, payload, context);
        try
        {
            await WorkAsync(payload, context, payload.Deaf ? CancellationToken.None : cancellationToken);
        }
        catch (OperationCanceledException)
        {
            Note(LedgerMark.Ended, payload, context);
            throw;
        }

        if (context.Attempt <= payload.Throws)
        {
            Note(LedgerMark.Threw, payload, context);
            throw new InvalidOperationException($"Attempt {context.Attempt} throws, as it was told to.");
        }

        Note(LedgerMark.Done, payload, context);
        return new WorkDone(payload.K, context.Attempt, context.FencingToken);
    }

    private static async Task WorkAsync(Work work, JobContext context, CancellationToken stop)
    {
        for (var n = 1; n <= work.Reports; n++)
        {
            context.ReportProgress(n, work.Reports, "working");
        }

        if (work.WorkMs > 0)
        {
            await Task.Delay(work.WorkMs, stop);
        }

        while (work.Gate is { } gate && !File.Exists(gate))
        {
            await Task.Delay(GateLook, stop);
        }
    }

    private static void Note(LedgerMark mark, Work work, JobContext context) => LedgerFile.OfThisProcess.Write(new LedgerLine(
        mark, Stopwatch.GetTimestamp(), context.Queue, work.K ?? "-", context.JobId, context.Attempt, context.FencingToken));
}

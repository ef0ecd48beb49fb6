using System.CommandLine;
using System.Globalization;
using Gristmill.Client;
using Gristmill.Silo.Commands.Live;

namespace Gristmill.Silo.Commands;

/// <summary><c>gristmill queues [list]|show|pause|resume|drain</c></summary>
internal static class QueueCommands
{
    private static readonly Argument<string> Queue = new("queue") { Description = "The queue." };

    public static Command Make(CommandEnvironment environment, GlobalOptions globals)
    {
        var command = new Command("queues", "Lists queues, or shows, pauses, resumes or drains one.");
        command.SetAction(CommandRun.Action(environment, globals, ListAsync));
        WatchOptions.AddTo(command);
        var list = new Command("list", "Lists the queues.");
        WatchOptions.AddTo(list);
        list.SetAction(CommandRun.Action(environment, globals, ListAsync));
        command.Add(list);
        Add("show", "Shows a queue.", ShowAsync);
        Add("pause", "Stops taking and starting jobs; what runs goes on.", (run, stop) => ModeAsync(run, q => q.PauseAsync(stop), stop));
        Add("resume", "Takes and starts jobs again.", (run, stop) => ModeAsync(run, q => q.ResumeAsync(stop), stop));
        Add("drain", "Takes nothing new, and goes on with what is admitted.", (run, stop) => ModeAsync(run, q => q.DrainAsync(stop), stop));
        return command;

        void Add(string name, string description, Func<CommandRun, CancellationToken, Task<int>> action)
        {
            var child = new Command(name, description) { Queue };
            child.SetAction(CommandRun.Action(environment, globals, action));
            command.Add(child);
        }
    }

    private static async Task<int> ListAsync(CommandRun run, CancellationToken cancellationToken)
    {
        if (WatchOptions.IsOn(run)) return await WatchAsync(run, cancellationToken);
        var queues = await QueueInfos.ListAsync(run.Client, cancellationToken);
        if (run.IsJson) run.WriteJson(new { queues });
        else if (queues.Count == 0) run.WriteLine(None(run));
        else run.Console.Write(QueueTable.Of(queues));
        return ExitStatus.Ok;
    }

    private static async Task<int> WatchAsync(CommandRun run, CancellationToken cancellationToken)
    {
        var view = new LiveView<QueueLook>(
            run,
            async (before, stop) => QueueLook.Of(await QueueInfos.ListAsync(run.Client, stop), before, run.Environment.Clock),
            look => look.Queues.Count == 0 ? Plain.Line(None(run)) : QueueTable.Of(look),
            look => look.Queues.Count == 0 ? [None(run)] : QueueTable.Lines(look),
            look => new { at = run.Environment.Clock.GetUtcNow(), queues = look.Queues.Select(f => f.ToJson()) });
        await view.RunAsync(cancellationToken);
        return ExitStatus.Ok;
    }

    private static string None(CommandRun run) =>
        $"No queue yet at {run.Client.Describe()} in the service '{run.Client.Service}': no silo has served one, and no client has enqueued.";

    private static async Task<int> ShowAsync(CommandRun run, CancellationToken cancellationToken)
    {
        Write(run, await run.KnownAsync(run.Queue(Queue), cancellationToken));
        return ExitStatus.Ok;
    }

    private static async Task<int> ModeAsync(CommandRun run, Func<IQueueClient, Task> change, CancellationToken cancellationToken)
    {
        var queue = run.Queue(Queue);
        await run.KnownAsync(queue, cancellationToken);
        await change(queue);
        var info = await queue.GetInfoAsync(cancellationToken);
        if (run.IsJson) run.WriteJson(info);
        else run.WriteLine($"{info.Name} is {info.State}");
        await run.WarnUnservedAsync(queue, string.Empty, cancellationToken);
        return ExitStatus.Ok;
    }

    private static void Write(CommandRun run, QueueInfo info)
    {
        if (run.IsJson)
        {
            run.WriteJson(info);
            return;
        }

        var sheet = new FactSheet();
        void Count(string name, long value) => sheet.Add(name, value.ToString(CultureInfo.InvariantCulture));
        sheet.Add("queue", info.Name);
        sheet.Add("state", info.State);
        sheet.Add("silos", info.Silos.Count == 0 ? "none" : string.Join(", ", info.Silos));
        foreach (var list in info.Lists) sheet.Add("list", list.Error ?? string.Create(CultureInfo.InvariantCulture, $"{list.Name}, {list.Length} items"));
        Count("queued", info.Counts.Queued);
        sheet.Add("oldest", Plain.Span(info.OldestReadySeconds));
        Count("running", info.Counts.Running);
        Count("retrying", info.Counts.Retrying);
        Count("scheduled", info.Counts.Scheduled);
        Count("deferred", info.Counts.Deferred);
        Count("dead", info.Counts.Dead);
        Count("finished", info.Counts.Finished);
        foreach (var (name, total) in info.Totals.Where(t => t.Value > 0)) Count($"{name} in all", total);
        sheet.Write(run);
    }
}

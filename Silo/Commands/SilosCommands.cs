using System.CommandLine;
using System.Globalization;
using Gristmill.Client;
using Gristmill.Silo.Commands.Api;
using Gristmill.Silo.Commands.Live;
using Spectre.Console;

namespace Gristmill.Silo.Commands;

/// <summary><c>gristmill silos [list]|drain</c></summary>
internal static class SilosCommands
{
    // Fewer characters of an id could be a slip; `silos` shows six.
    private const int ShortestId = 4;
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(250);
    private static readonly Argument<string> Name = new("silo") { Description = "The silo: its name, or its id or at least four characters of its beginning." };
    private static readonly Option<bool> Wait = new("--wait") { Description = "Waits until the silo has ended." };

    public static Command Make(CommandEnvironment environment, GlobalOptions globals)
    {
        var command = new Command("silos", "Lists the silos of the cluster, or drains one.");
        command.SetAction(CommandRun.Action(environment, globals, ListAsync));
        WatchOptions.AddTo(command);
        var list = new Command("list", "Lists the silos: state, load, version, age.");
        WatchOptions.AddTo(list);
        list.SetAction(CommandRun.Action(environment, globals, ListAsync));
        command.Add(list);
        var drain = new Command("drain", "Lets a silo take nothing more, finish what it runs, and end.") { Name, Wait };
        drain.SetAction(CommandRun.Action(environment, globals, DrainAsync));
        command.Add(drain);
        return command;
    }

    private static async Task<int> ListAsync(CommandRun run, CancellationToken cancellationToken)
    {
        if (WatchOptions.IsOn(run)) return await WatchAsync(run, cancellationToken);
        var silos = await run.Client.ListSilosAsync(cancellationToken);
        if (run.IsJson)
        {
            run.WriteJson(new { silos });
            return ExitStatus.Ok;
        }

        if (silos.Count == 0) run.WriteLine(None(run));
        else run.Console.Write(SiloTable.Of(silos, run.Environment.Clock.GetUtcNow()));
        foreach (var trouble in SiloTable.Troubles(silos)) run.WriteLine(trouble);
        return ExitStatus.Ok;
    }

    private static async Task<int> WatchAsync(CommandRun run, CancellationToken cancellationToken)
    {
        var view = new LiveView<IReadOnlyList<SiloInfo>>(
            run,
            (_, stop) => run.Client.ListSilosAsync(stop),
            silos => silos.Count == 0 ? Plain.Line(None(run)) : SiloTable.Picture(silos, run.Environment.Clock.GetUtcNow()),
            silos => silos.Count == 0 ? [None(run)] : SiloTable.Lines(silos),
            silos => new { at = run.Environment.Clock.GetUtcNow(), silos });
        await view.RunAsync(cancellationToken);
        return ExitStatus.Ok;
    }

    private static async Task<int> DrainAsync(CommandRun run, CancellationToken cancellationToken)
    {
        var silo = Find(await run.Client.ListSilosAsync(cancellationToken), run.Parsed.GetRequiredValue(Name));
        await run.Client.DrainSiloAsync(silo.Id, cancellationToken);
        if (run.Parsed.GetValue(Wait)) silo = await GoneAsync(run, silo, cancellationToken);
        else silo = silo with { State = "draining" };
        if (run.IsJson) run.WriteJson(silo);
        else run.WriteLine(silo.State == "draining" ? $"{silo.Name} drains: it takes nothing more, and ends when its {Running(silo)} are done" : $"{silo.Name} has ended");
        return ExitStatus.Ok;
    }

    private static async Task<SiloInfo> GoneAsync(CommandRun run, SiloInfo silo, CancellationToken cancellationToken)
    {
        while (true)
        {
            var now = await NowAsync(run, silo, cancellationToken);
            if (now is null) return silo with { State = "ended" };
            if (now.State == "lost") throw new CommandException($"{silo.Name} was lost while it drained; its jobs go to others when its leases expire.");
            await Task.Delay(Look, run.Environment.Clock, cancellationToken);
        }
    }

    private static async Task<SiloInfo?> NowAsync(CommandRun run, SiloInfo silo, CancellationToken cancellationToken)
    {
        try
        {
            return (await run.Client.ListSilosAsync(cancellationToken)).FirstOrDefault(s => s.Id == silo.Id);
        }
        catch (ApiUnavailableException e)
        {
            // It ends with the silo that it belongs to, and does not say which that is.
            throw new CommandException($"{e.Message} {silo.Name} was told to drain: if this is its own API, it has ended.", "Ask by the API of another silo, or on Redis: gristmill silos");
        }
    }

    private static SiloInfo Find(IReadOnlyList<SiloInfo> silos, string name)
    {
        if (name.Length == 0) throw CommandException.BadUsage("The silo's name is empty; gristmill silos lists those that there are.");
        var live = silos.Where(s => s.State != "lost").ToList();
        var found = live.Where(s => s.Name == name || s.Id == name).ToList();
        if (found.Count == 0 && name.Length >= ShortestId) found = [.. live.Where(s => s.Id.StartsWith(name, StringComparison.Ordinal))];
        return found.Count switch
        {
            1 => found[0],
            0 => throw new CommandException($"There is no silo '{name}'.", live.Count == 0 ? "No silo runs." : Suggestion.Of(name, [.. live.Select(s => s.Name)]) ?? $"There are: {string.Join(", ", live.Select(s => s.Name))}"),
            _ => throw new CommandException($"{found.Count} silos answer to '{name}'.", $"Say which by its id: {string.Join(", ", found.Select(s => s.Id))}"),
        };
    }

    private static string Running(SiloInfo silo) => string.Create(CultureInfo.InvariantCulture, $"{silo.Queues.Sum(q => q.Running)} running jobs");

    private static string None(CommandRun run) => $"No silo of the service '{run.Client.Service}' is at {run.Client.Describe()}; start one with: gristmill silo";
}

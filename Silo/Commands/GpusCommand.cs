using System.CommandLine;
using System.Globalization;
using Gristmill.Silo.Commands.Live;
using Gristmill.Silo.Http;
using Gristmill.Store;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Gristmill.Silo.Commands;

/// <summary><c>gristmill gpus [--watch]</c></summary>
internal static class GpusCommand
{
    private const string None = "No silo has a queue that needs a device (option Gpu).";

    public static Command Make(CommandEnvironment environment, GlobalOptions globals)
    {
        var command = new Command("gpus", "Lists the devices of all silos: memory, load, models, trouble.");
        WatchOptions.AddTo(command);
        command.SetAction(CommandRun.Action(environment, globals, ListAsync));
        return command;
    }

    private static async Task<int> ListAsync(CommandRun run, CancellationToken cancellationToken)
    {
        if (WatchOptions.IsOn(run)) return await WatchAsync(run, cancellationToken);
        var answer = GpusAnswer.Of(await run.Client.ListSilosAsync(cancellationToken));
        if (run.IsJson)
        {
            run.WriteJson(answer);
            return ExitStatus.Ok;
        }

        if (answer.Silos.Count == 0) run.WriteLine(None);
        else run.Console.Write(Table(answer));
        foreach (var trouble in Troubles(answer)) run.WriteLine(trouble);
        return ExitStatus.Ok;
    }

    private static async Task<int> WatchAsync(CommandRun run, CancellationToken cancellationToken)
    {
        var view = new LiveView<GpusAnswer>(
            run,
            async (_, stop) => GpusAnswer.Of(await run.Client.ListSilosAsync(stop)),
            Picture,
            answer => answer.Silos.Count == 0 ? [None] : Lines(answer),
            answer => new { at = run.Environment.Clock.GetUtcNow(), silos = answer.Silos });
        await view.RunAsync(cancellationToken);
        return ExitStatus.Ok;
    }

    private static IRenderable Picture(GpusAnswer answer) => answer.Silos.Count == 0
        ? new Text(None)
        : new Rows([Table(answer), .. Troubles(answer).Select(t => Plain.Line(t, Tone.Alarm))]);

    private static Listing Table(GpusAnswer answer)
    {
        var table = new Listing("SILO", "DEVICE", "TYPE", "STATE", "MEMORY", "LEASED", "FOREIGN", "USED", "BUSY", "TEMP", "RUNNING", "MODELS")
            .Sparing("FOREIGN", "TEMP", "TYPE", "USED", "BUSY", "LEASED", "MEMORY").Cutting("MODELS");
        foreach (var (silo, _, gpus) in answer.Silos)
        {
            foreach (var d in gpus)
            {
                table.AddRow(
                    Plain.Cell(silo), Plain.Cell(d.Name), Plain.Cell(d.Type), Plain.Cell(d.State, d.State == "ok" ? Tone.Calm : Tone.Alarm),
                    Plain.Cell($"{d.MemoryMiB} MiB"), Plain.Cell($"{d.LeasedMiB} MiB"),
                    Plain.Cell($"{d.ForeignMiB} MiB"), Plain.Cell(Known(d.UsedMiB, " MiB")), Plain.Cell(Known(d.UtilisationPercent, "%")), Plain.Cell(Known(d.TemperatureCelsius, " C")),
                    Plain.Cell(Running(d)), Plain.Cell(string.Join(", ", d.Models.Select(Model))));
            }
        }

        return table;
    }

    private static IEnumerable<string> Lines(GpusAnswer answer) => answer.Silos.SelectMany(s => s.Gpus.Select(d =>
        $"{s.Silo} {d.Name} {d.State}  leased {d.LeasedMiB} of {d.MemoryMiB} MiB  used {Known(d.UsedMiB, " MiB")}  busy {Known(d.UtilisationPercent, "%")}  running {Running(d)}  models {d.Models.Count}{(d.Trouble is null ? string.Empty : $"  {d.Trouble}")}"));

    private static IEnumerable<string> Troubles(GpusAnswer answer) =>
        answer.Silos.SelectMany(s => s.Gpus.Where(d => d.Trouble is not null).Select(d => $"{s.Silo}, {d.Name}: {d.Trouble}"));

    private static string Running(SiloGpuRecord device) => device.Slots > 0 ? $"{device.Running}/{device.Slots}" : $"{device.Running}";

    private static string Known(int? value, string unit) => value is { } known ? $"{known.ToString(CultureInfo.InvariantCulture)}{unit}" : "-";

    private static string Model(SiloGpuModelRecord model) => $"{model.Model} {model.MemoryMiB} MiB {model.State}";
}

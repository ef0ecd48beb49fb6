using System.CommandLine;
using System.Globalization;
using Gristmill.Silo.Http;
using Gristmill.Store;
using Spectre.Console;

namespace Gristmill.Silo.Commands;

/// <summary><c>gristmill gpus</c></summary>
internal static class GpusCommand
{
    public static Command Make(CommandEnvironment environment, GlobalOptions globals)
    {
        var command = new Command("gpus", "Lists the devices of all silos: memory, load, models, trouble.");
        command.SetAction(CommandRun.Action(environment, globals, ListAsync));
        return command;
    }

    private static async Task<int> ListAsync(CommandRun run, CancellationToken cancellationToken)
    {
        var answer = GpusAnswer.Of(await run.Client.ListSilosAsync(cancellationToken));
        if (run.IsJson)
        {
            run.WriteJson(answer);
            return ExitStatus.Ok;
        }

        if (answer.Silos.Count == 0)
        {
            run.WriteLine("No silo has a queue that needs a device (option Gpu).");
            return ExitStatus.Ok;
        }

        var table = Plain.Table("SILO", "DEVICE", "TYPE", "STATE", "MEMORY", "LEASED", "FOREIGN", "USED", "BUSY", "TEMP", "RUNNING", "MODELS");
        foreach (var (silo, _, gpus) in answer.Silos)
        {
            foreach (var d in gpus)
            {
                table.AddRow(
                    Plain.Cell(silo), Plain.Cell(d.Name), Plain.Cell(d.Type), Plain.Cell(d.State), Plain.Cell($"{d.MemoryMiB} MiB"), Plain.Cell($"{d.LeasedMiB} MiB"),
                    Plain.Cell($"{d.ForeignMiB} MiB"), Plain.Cell(Known(d.UsedMiB, " MiB")), Plain.Cell(Known(d.UtilisationPercent, "%")), Plain.Cell(Known(d.TemperatureCelsius, " C")),
                    Plain.Cell(d.Slots > 0 ? $"{d.Running}/{d.Slots}" : $"{d.Running}"), Plain.Cell(string.Join(", ", d.Models.Select(Model))));
            }
        }

        run.Console.Write(table);
        foreach (var (silo, _, gpus) in answer.Silos)
        {
            foreach (var d in gpus.Where(d => d.Trouble is not null)) run.WriteLine($"{silo}, {d.Name}: {d.Trouble}");
        }

        return ExitStatus.Ok;
    }

    private static string Known(int? value, string unit) => value is { } known ? $"{known.ToString(CultureInfo.InvariantCulture)}{unit}" : "-";

    private static string Model(SiloGpuModelRecord model) => $"{model.Model} {model.MemoryMiB} MiB {model.State}";
}

using System.CommandLine;
using Gristmill.Grains.Options;
using Gristmill.Silo.Commands.Api;
using Gristmill.Silo.Configuration;
using Gristmill.Silo.Findings;
using Gristmill.Store;
using Microsoft.Extensions.Logging.Abstractions;
using Spectre.Console;

namespace Gristmill.Silo.Commands;

/// <summary>
/// <c>gristmill doctor</c>: looks at Redis as a silo does (<see cref="DoctorLook"/>), a few times, since what grows and what
/// vanishes shows only then. It knows the queues that silos have announced, those that are configured where it is called
/// (appsettings.json, Gristmill__Queues__…, QUEUE_NAME) and the lists that it is given. Ends with 1 when it found an error.
/// </summary>
internal static class DoctorCommand
{
    private const double DefaultSeconds = 3;
    private const double MostSeconds = 600;
    private const int MostKeys = 20_000_000;
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);
    private static readonly Option<double> Seconds = new("--seconds")
    {
        Description = "How long to look, 0 (once) to 600: what grows or vanishes meanwhile is seen.", DefaultValueFactory = _ => DefaultSeconds,
    };

    private static readonly Option<string[]> Lists = new("--list") { Description = "A list that producers push to, where no silo has announced it and no configuration names it.", HelpName = "key" };

    // Only to say where that is: other commands have it.
    private static readonly Option<string?> Api = new("--api") { Hidden = true };

    public static Command Make(CommandEnvironment environment, GlobalOptions globals)
    {
        var command = new Command("doctor", "Looks at Redis for what goes wrong, and says what to do.") { Seconds, Lists, Api };
        command.SetAction(CommandRun.Action(environment, globals, RunAsync));
        return command;
    }

    private static async Task<int> RunAsync(CommandRun run, CancellationToken cancellationToken)
    {
        var seconds = run.Parsed.GetValue(Seconds);
        if (seconds is not (>= 0 and <= MostSeconds)) throw CommandException.BadUsage($"--seconds is {seconds}; it must be 0 to {MostSeconds}.");
        RefuseApi(run);
        await using var redis = run.OpenRedis(out var database);
        var settings = new DoctorSettings
        {
            Options = Options(run),
            Database = database,
            KeysPerLook = MostKeys,
            ScanLimit = TimeSpan.FromSeconds(Math.Max(10, seconds)),
            ScansOnce = true,
        };
        var look = new DoctorLook(redis, settings, NullLogger.Instance, run.Environment.Clock);
        var findings = await WatchAsync(look, run.Environment.Clock, TimeSpan.FromSeconds(seconds), cancellationToken);
        Write(run, redis.Describe(), settings.Options.Service, look, findings);
        return findings.Any(f => f.Severity == Finding.Error) ? ExitStatus.Failed : ExitStatus.Ok;
    }

    private static void RefuseApi(CommandRun run)
    {
        var flag = run.Parsed.GetValue(Api);
        var variable = run.Environment.Variable(ApiAddress.Variable);
        if (flag is null && (string.IsNullOrWhiteSpace(variable) || run.HasRedis)) return;
        throw CommandException.BadUsage(
            "doctor looks at Redis itself, by --redis or REDIS_URL.", "By the API there is what a silo has found: GET /api/findings.");
    }

    // The last look stands. What vanished in one between is kept, since a thief need not come in each of them.
    private static async Task<IReadOnlyList<Finding>> WatchAsync(DoctorLook look, TimeProvider clock, TimeSpan time, CancellationToken cancellationToken)
    {
        var began = clock.GetTimestamp();
        var kept = new Dictionary<object, Finding>();
        var findings = await look.TakeAsync(cancellationToken);
        var pause = time / 3 < LongestPause ? time / 3 : LongestPause;
        if (time == TimeSpan.Zero) return findings;
        do
        {
            // At least two looks, however long one takes: one alone sees nothing grow or vanish.
            await Task.Delay(pause, clock, cancellationToken);
            findings = await look.TakeAsync(cancellationToken);
            foreach (var taken in findings.Where(f => f.Code == OtherConsumers.Taken)) kept[taken.Subject] = taken;
        }
        while (clock.GetElapsedTime(began) < time);

        var known = findings.Select(f => f.Subject).ToHashSet();
        var missed = kept.Values.Where(f => !known.Contains(f.Subject)).ToList();
        return [.. findings.Where(f => missed.Count == 0 || f.Code != OtherConsumers.Suspected).Concat(missed).OrderBy(f => f.Rank)];
    }

    private static GristmillOptions Options(CommandRun run)
    {
        var variables = run.Environment.Variables().Select(v => KeyValuePair.Create(v.Key.Replace("__", ":", StringComparison.Ordinal), v.Value));
        var options = GristmillConfiguration.Peek(new ConfigurationBuilder()
            .SetBasePath(run.Environment.Folder).AddJsonFile("appsettings.json", optional: true).AddInMemoryCollection(variables).Build());
        options.Service = run.Service;
        foreach (var list in run.Parsed.GetValue(Lists) ?? [])
        {
            if (!options.Queues.Values.Any(q => q.AllLists().Any(l => l.Name == list))) options.Queues[QueueNameOf(list)] = new QueueOptions { List = list };
        }

        return options;
    }

    // A list may have a name that no queue may.
    private static string QueueNameOf(string list) =>
        RedisKeys.IsName(list) ? list : string.Concat(list.Take(128).Select(c => RedisKeys.IsName(c.ToString()) ? c : '-'));

    private static void Write(CommandRun run, string redis, string service, DoctorLook look, IReadOnlyList<Finding> findings)
    {
        if (run.IsJson)
        {
            run.WriteJson(new { findings, redis, service, look.Silos, look.Queues, look.Keys, look.KeysSeen });
            return;
        }

        foreach (var finding in findings)
        {
            run.Console.Write(new Text($"{finding.Severity,-7}", StyleOf(finding)));
            run.WriteLine($" {finding.Code}: {(finding.Silo is { } silo ? $"[{silo}] " : "")}{finding.Message} What to do: {finding.Action}");
        }

        var looked = $"{redis}, service '{service}': {Plain.Count(look.Silos, "silo")}, {Plain.Count(look.Queues, "queue")}, {look.KeysSeen} of {Plain.Count(look.Keys, "key")} gone through.";
        run.WriteLine(findings.Count == 0 ? $"No trouble found. {looked}" : $"{Plain.Count(Count(findings, Finding.Error), "error")}, {Plain.Count(Count(findings, Finding.Warning), "warning")}, {Count(findings, Finding.Info)} to know. {looked}");
    }

    private static int Count(IReadOnlyList<Finding> findings, string severity) => findings.Count(f => f.Severity == severity);

    private static Style StyleOf(Finding finding) => finding.Severity switch
    {
        Finding.Error => new Style(Color.Red, decoration: Decoration.Bold),
        Finding.Warning => new Style(Color.Yellow),
        _ => Style.Plain,
    };
}

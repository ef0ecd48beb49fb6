using System.CommandLine;
using System.Diagnostics;
using Gristmill.Client;
using Gristmill.Grains.Handlers;
using Gristmill.Grains.Options;
using Gristmill.Grains.Workers;
using Gristmill.Redis;
using Gristmill.Silo.Commands;
using Gristmill.Silo.EmbeddedStore;
using Gristmill.Silo.Hosting;
using Gristmill.Store;
using Spectre.Console;

namespace Gristmill.Silo.Demo;

/// <summary>
/// `gristmill demo`: the main job on real input, from raw pushes to results. Steps: start the embedded store and a silo →
/// push as a foreign producer would → show the progress → sum up, and check that every job ended as it should.
/// </summary>
internal sealed class DemoCommand(IAnsiConsole console, bool json, TimeProvider clock)
{
    public const string SpeechQueue = "speech";
    public const string WordsQueue = "words";
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(60);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    /// <summary>The command. --json, an option of all commands, prints the summary as one object.</summary>
    public static Command Create(CommandEnvironment environment, GlobalOptions globals)
    {
        var command = new Command("demo", "Shows the main job on real input: recordings, pushed in chunks, analysed and counted.");
        command.SetAction((parsed, cancellationToken) => new DemoCommand(environment.MakeConsole(moving: true), parsed.GetValue(globals.Json), environment.Clock).RunAsync(cancellationToken));
        return command;
    }

    /// <summary>Runs the demo.</summary>
    /// <returns>0 when every job ended as it should, else 1.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var python = FindPython();
        var recordings = Path.Combine(AppContext.BaseDirectory, "recordings");
        var plan = DemoPlan.Make(recordings, python is not null);
        var folder = Directory.CreateTempSubdirectory("gristmill-demo-");
        try
        {
            foreach (var file in Directory.GetFiles(recordings, "*.wav")) File.Copy(file, Path.Combine(folder.FullName, Path.GetFileName(file)));
            await File.WriteAllTextAsync(Path.Combine(folder.FullName, DemoPlan.BrokenRecording), "This is no recording.", cancellationToken);
            using var loggers = LoggerFactory.Create(l => l.SetMinimumLevel(LogLevel.Warning));
            var store = new EmbeddedStoreOptions { Folder = "./.gristmill/demo" };
            await using var garnet = await EmbeddedGarnet.StartAsync(store, loggers, clock, cancellationToken);
            Say($"Started the embedded store (Garnet) at {garnet.Url}; its data is in {store.Folder}.");
            Say(python is null ? "No python3 here: the transcripts are not counted." : $"Python worker: {python}.");
            return await RunAsync(plan, garnet.Url, folder.FullName, python, cancellationToken);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private async Task<int> RunAsync(DemoPlan plan, string url, string folder, string? python, CancellationToken cancellationToken)
    {
        // A service of its own each time: what an earlier demo left in the store does not count.
        var service = $"demo-{clock.GetUtcNow().ToUnixTimeMilliseconds()}";
        using var host = BuildSilo(url, service, folder, python);
        var started = clock.GetTimestamp();
        await host.StartAsync(cancellationToken);
        try
        {
            await using var client = GristmillClient.Connect(new GristmillClientOptions { Redis = url, Service = service }, Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance, clock);
            var watch = new DemoWatch(client, plan, python is not null);
            var late = UploadLateAsync(client, folder, cancellationToken);
            var pushing = PushAsync(plan, url, service, cancellationToken);
            await ShowAsync(watch, plan, cancellationToken);
            await pushing;
            await late;
            var seconds = clock.GetElapsedTime(started).TotalSeconds;
            var summary = await watch.SumUpAsync(seconds, cancellationToken);
            DemoReport.Print(console, summary, json);
            return summary.AsExpected ? 0 : 1;
        }
        finally
        {
            await host.StopAsync(cancellationToken);
        }
    }

    private static IHost BuildSilo(string url, string service, string folder, string? python)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddLogging(l => l.SetMinimumLevel(LogLevel.Error).AddSimpleConsole());
        builder.Services.Configure<GristmillOptions>(options =>
        {
            options.Redis = url;
            options.Service = service;
            options.ShutdownSeconds = 5;
            options.Queues[SpeechQueue] = new QueueOptions
            {
                List = DemoLists.Of(service, DemoPlan.SpeechList),
                Handler = SpeechHandler.Name,
                Retry = new RetryOptions { BaseSeconds = 1 },
            };
            if (python is null) return;
            options.Queues[WordsQueue] = new QueueOptions
            {
                List = DemoLists.Of(service, DemoPlan.WordsList),
                Worker = new WorkerOptions { Command = [python, Path.Combine(AppContext.BaseDirectory, "python", "word_count.py")] },
            };
        });
        builder.Services.AddSingleton(new DemoFolder(folder));
        builder.Services.AddJobHandler<SpeechHandler>(SpeechHandler.Name);
        builder.Services.AddGristmillSilo();
        return builder.Build();
    }

    // As any producer in any language would: one RPUSH of JSON, nothing of ours in it.
    private async Task PushAsync(DemoPlan plan, string url, string service, CancellationToken cancellationToken)
    {
        await using var redis = RedisClient.Connect(RedisOptions.Parse(url), Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance, clock);
        foreach (var push in plan.Pushes)
        {
            await redis.ExecuteAsync(new RedisCommand("RPUSH", DemoLists.Of(service, push.List), push.Item), cancellationToken);
            await Task.Delay(Pace, clock, cancellationToken);
        }
    }

    // The upload that comes late: the job that needs it has failed twice by then.
    private static async Task UploadLateAsync(IGristmillClient client, string folder, CancellationToken cancellationToken)
    {
        var queue = client.Queue(SpeechQueue);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        while (true)
        {
            var page = await queue.ListAsync(JobState.Retrying, limit: 100, cancellationToken: limit.Token);
            if (page.Jobs.Any(j => j.Errors.Count == 2)) break;
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, limit.Token);
        }

        File.Copy(Path.Combine(folder, DemoPlan.LateSession + ".wav"), Path.Combine(folder, DemoPlan.LateRecording));
    }

    private async Task ShowAsync(DemoWatch watch, DemoPlan plan, CancellationToken cancellationToken)
    {
        var began = clock.GetTimestamp();
        if (json || !console.Profile.Capabilities.Interactive)
        {
            Say($"Pushing {plan.Pushes.Count} items to {DemoPlan.SpeechList} and {DemoPlan.WordsList} …");
            while (!await watch.LookAsync(cancellationToken) && clock.GetElapsedTime(began) < Limit) await Task.Delay(DemoWatch.Period, clock, cancellationToken);
            return;
        }

        await console.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new SpinnerColumn()).StartAsync(async context =>
        {
            var bars = plan.Sessions.ToDictionary(s => s, s => context.AddTask(Markup.Escape(s), maxValue: 1));
            var done = false;
            while (!done && clock.GetElapsedTime(began) < Limit)
            {
                done = await watch.LookAsync(cancellationToken);
                foreach (var (session, bar) in bars) bar.Value = watch.PartOf(session);
                if (!done) await Task.Delay(DemoWatch.Period, clock, cancellationToken);
            }
        });
    }

    private void Say(string line)
    {
        if (!json) console.WriteLine(line);
    }

    private static string? FindPython()
    {
        foreach (var folder in (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(':', StringSplitOptions.RemoveEmptyEntries))
        {
            var candidate = Path.Combine(folder, "python3");
            if (File.Exists(candidate) && Runs(candidate)) return candidate;
        }

        return null;
    }

    // A shim that leads nowhere is as good as none.
    private static bool Runs(string python)
    {
        using var process = Process.Start(new ProcessStartInfo(python, ["-c", "pass"]) { RedirectStandardError = true });
        process?.WaitForExit();
        return process?.ExitCode == 0;
    }
}

/// <summary>The demo's lists; a service of its own each time has lists of its own.</summary>
internal static class DemoLists
{
    public static string Of(string service, string list) => $"{service}:{list}";
}

using System.CommandLine;
using Gristmill.Grains.Handlers;
using Gristmill.Grains.Options;
using Gristmill.Silo.Commands;
using Gristmill.Silo.Configuration;
using Gristmill.Silo.EmbeddedStore;
using Gristmill.Silo.Findings;
using Gristmill.Silo.Http;
using Gristmill.Silo.LocalCluster;
using Gristmill.Silo.Telemetry;
using Microsoft.Extensions.Options;

namespace Gristmill.Silo.Hosting;

/// <summary>
/// `gristmill silo`: runs a silo until it is told to stop. Steps: read and validate all options → start the embedded store
/// when no Redis is configured → build the host → say what is there → run → stop in order.
/// </summary>
internal static class SiloCommand
{
    /// <summary>The command with its flags.</summary>
    public static Command Create(GlobalOptions globals)
    {
        var flags = new SiloFlags(globals);
        var command = new Command("silo", "Runs a silo: takes jobs off the lists of its queues and works on them.");
        flags.AddTo(command);
        command.Options.Add(LocalClusterCommand.Count);
        command.SetAction((parsed, cancellationToken) => RunAsync(
            flags.Read(parsed),
            read => parsed.GetValue(LocalClusterCommand.Count) > 1 ? LocalClusterCommand.RunAsync(parsed, read, cancellationToken) : HostAsync(read, cancellationToken),
            cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(GristmillFlags flags, Func<GristmillFlags, Task<int>> host, CancellationToken cancellationToken)
    {
        // A signal that comes before this has returned a task ends the process at once, whatever has been started by then.
        await Task.Yield();
        if (flags.Handler is not null && flags.Worker is not null)
        {
            await Console.Error.WriteLineAsync("gristmill: --handler and --worker are both given; a queue has one of them.");
            return 2;
        }

        try
        {
            return await host(flags);
        }
        catch (OptionsValidationException wrong)
        {
            foreach (var failure in wrong.Failures) await Console.Error.WriteLineAsync($"gristmill: {failure}");
            return 2;
        }
        catch (Exception error) when (error is RunnerStartException or EmbeddedStoreException)
        {
            await Console.Error.WriteLineAsync($"gristmill: {error.Message}");
            return 1;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Told to stop before it ran anything.
            return 0;
        }
        catch (IOException error)
        {
            // It says which address cannot be bound.
            await Console.Error.WriteLineAsync($"gristmill: {error.Message} (--url or Gristmill:Url sets the address)");
            return 1;
        }
    }

    private static async Task<int> HostAsync(GristmillFlags flags, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders().AddSimpleConsole(ConsoleLog.Form);
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        EngineHosting.Quieten(builder.Logging);

        // What keeps the host from starting is said once, below.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
        builder.AddGristmillOptions(flags);
        var options = GristmillConfiguration.Load(builder.Configuration, flags);
        var addresses = ListenAddress.Of(options, builder.Configuration);
        foreach (var (_, url) in addresses) ListenAddress.Check(url);
        using var loggers = LoggerFactory.Create(l => l.AddConfiguration(builder.Configuration.GetSection("Logging")).AddSimpleConsole(ConsoleLog.Form));
        await using var embedded = options.Redis is null
            ? await EmbeddedGarnet.StartAsync(options.Embedded, loggers, TimeProvider.System, cancellationToken)
            : null;
        if (embedded is not null) builder.Services.PostConfigure<GristmillOptions>(o => o.Redis = embedded.Url);
        builder.AddGristmillTelemetry(options.SiloName);
        builder.Services.AddSingleton<OpenRequests>().AddHostedService(provider => provider.GetRequiredService<OpenRequests>());
        HandlerAssemblies.AddTo(builder.Services, options.HandlerAssemblies, builder.Configuration);
        builder.Services.AddGristmillSilo();
        builder.Services.AddGristmillApi();
        builder.Services.AddFindings();
        if (!ListenAddress.IsKestrels(builder.Configuration)) builder.WebHost.UseUrls(options.Url);
        await using var app = builder.Build();
        HandlerNames.Check(app.Services);
        app.Use(app.Services.GetRequiredService<OpenRequests>().FollowAsync);
        app.UseGristmillApi();
        app.Lifetime.ApplicationStarted.Register(() => _ = StartReport.SayAsync(app.Services, [.. app.Urls], embedded));
        await RunAsync(app, [.. addresses.Select(a => a.Url)], cancellationToken);
        return await FailedAsync(app) ? 1 : 0;
    }

    // A part of the silo that failed has stopped the host, which ends in order and says nothing.
    private static async Task<bool> FailedAsync(WebApplication app)
    {
        var failed = app.Services.GetServices<IHostedService>().OfType<BackgroundService>().Where(s => s.ExecuteTask is { IsFaulted: true }).ToList();
        foreach (var service in failed) await Console.Error.WriteLineAsync($"gristmill: the silo has ended because a part of it, {service.GetType().Name}, failed: {service.ExecuteTask!.Exception!.InnerException}");
        return failed.Count > 0;
    }

    // Told to stop while it still starts, or when a part cannot start, a host gives up by an exception and stops nothing; but
    // what has started by then is a member of its cluster and may hold jobs.
    private static async Task RunAsync(WebApplication app, IReadOnlyList<string> urls, CancellationToken cancellationToken)
    {
        await using var told = cancellationToken.Register(app.Lifetime.StopApplication);
        try
        {
            await app.StartAsync(CancellationToken.None);
        }
        catch (OperationCanceledException) when (app.Lifetime.ApplicationStopping.IsCancellationRequested)
        {
            await app.StopAsync(CancellationToken.None);
            return;
        }
        catch (Exception error)
        {
            await app.StopAsync(CancellationToken.None);
            if (error is not InvalidOperationException || !urls.Any(u => u.StartsWith("https:", StringComparison.OrdinalIgnoreCase))) throw;

            // The server binds last: it has no certificate, or one that it cannot use.
            throw new IOException($"The HTTP API cannot listen at {string.Join(", ", urls)}: {error.Message.Split('\n')[0]}", error);
        }

        await app.WaitForShutdownAsync(CancellationToken.None);
    }
}

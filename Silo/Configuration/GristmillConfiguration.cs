using Gristmill.Grains.Options;
using Gristmill.Grains.Workers;
using Microsoft.Extensions.Options;

namespace Gristmill.Silo.Configuration;

/// <summary>
/// Where the options of a silo come from. What stands further up wins:
/// <list type="number">
/// <item>flags of the command line (<see cref="GristmillFlags"/>);</item>
/// <item>the environment: Gristmill__…;</item>
/// <item>appsettings.{environment}.json, then appsettings.json: "Gristmill": { … };</item>
/// <item>the short names REDIS_URL, QUEUE_NAME, JOB_TIMEOUT, WORKER_COUNT, LOG_LEVEL: they fill what is still open
/// (<see cref="ShortNames"/>);</item>
/// <item>the defaults.</item>
/// </list>
/// The whole is validated at once, when the host starts or when <see cref="Load"/> is called.
/// </summary>
internal static class GristmillConfiguration
{
    /// <summary>Binds and validates <see cref="GristmillOptions"/>, and sets the level of the log.</summary>
    public static void AddGristmillOptions(this IHostApplicationBuilder builder, GristmillFlags flags)
    {
        var configuration = builder.Configuration;
        if (ShortNames.LevelOf(flags.LogLevel ?? configuration[ShortNames.LogLevel]) is { } level &&
            (flags.LogLevel is not null || configuration["Logging:LogLevel:Default"] is null))
        {
            builder.Logging.SetMinimumLevel(level);
            configuration["Logging:LogLevel:Default"] = level.ToString();
        }

        builder.Services.AddOptions<GristmillOptions>()
            .Configure(options => Fill(options, configuration, flags))
            .ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<GristmillOptions>>(new GristmillOptionsValidator(configuration, flags));
    }

    /// <summary>The options at once, for what must be known before the host is built, such as whether a Redis is configured.</summary>
    /// <exception cref="OptionsValidationException">They are wrong; its failures name each option, its value and the bound.</exception>
    public static GristmillOptions Load(IConfiguration configuration, GristmillFlags flags)
    {
        var options = new GristmillOptions();
        Fill(options, configuration, flags);
        var result = new GristmillOptionsValidator(configuration, flags).Validate(null, options);
        return result.Failed
            ? throw new OptionsValidationException(nameof(GristmillOptions), typeof(GristmillOptions), result.Failures)
            : options;
    }

    /// <summary>The options as they stand, not validated: for who only wants to know which queues somebody has in mind.</summary>
    public static GristmillOptions Peek(IConfiguration configuration)
    {
        var options = new GristmillOptions();
        Fill(options, configuration, new GristmillFlags());
        return options;
    }

    private static void Fill(GristmillOptions options, IConfiguration configuration, GristmillFlags flags)
    {
        // What is wrong is the validator's, all of it at once.
        OptionValues.Read(configuration.GetSection(GristmillOptions.Section), typeof(GristmillOptions)).Usable.Bind(options);
        ApplyFlags(options, flags);
        ShortNames.Apply(options, configuration, flags);
    }

    private static void ApplyFlags(GristmillOptions options, GristmillFlags flags)
    {
        options.Redis = flags.Redis ?? options.Redis;
        options.Service = flags.Service ?? options.Service;
        options.Url = flags.Url ?? options.Url;
        options.Access.Insecure |= flags.Insecure;
        options.Embedded.Folder = flags.Folder ?? options.Embedded.Folder;
        options.HandlerAssemblies.AddRange(flags.HandlerAssemblies);
        options.Labels.AddRange(flags.Labels.Except(options.Labels, StringComparer.Ordinal));
        if (flags.HasQueue && QueueOf(options, flags) is { } name)
        {
            ApplyQueueFlags(options.Queues, name, flags);
        }
    }

    /// <summary>The queue that the flags are about; null when they do not say and there is not exactly one.</summary>
    private static string? QueueOf(GristmillOptions options, GristmillFlags flags) =>
        flags.Queue ?? flags.List ?? (options.Queues.Count == 1 ? options.Queues.Keys.First() : null);

    private static void ApplyQueueFlags(Dictionary<string, QueueOptions> queues, string name, GristmillFlags flags)
    {
        if (!queues.TryGetValue(name, out var queue))
        {
            queues[name] = queue = new QueueOptions { List = name };
        }

        queue.List = flags.List ?? queue.List;
        queue.Concurrency = flags.Concurrency ?? queue.Concurrency;
        queue.TimeoutSeconds = flags.TimeoutSeconds ?? queue.TimeoutSeconds;
        if (flags.Handler is { } handler)
        {
            (queue.Handler, queue.Worker) = (handler, null);
        }

        if (flags.Worker is { } command)
        {
            queue.Handler = null;
            (queue.Worker ??= new WorkerOptions()).Command = [.. command];
        }

        if (flags.Workers is { } count && queue.Worker is { } worker)
        {
            worker.Count = count;
        }
    }
}

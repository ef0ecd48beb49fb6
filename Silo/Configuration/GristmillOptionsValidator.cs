using Gristmill.Grains.Options;
using Gristmill.Redis;
using Gristmill.Silo.Hosting;
using Gristmill.Store;
using Microsoft.Extensions.Options;

namespace Gristmill.Silo.Configuration;

/// <summary>
/// Checks the whole of a silo's options at once: unknown names, bounds, and what contradicts. Each message names the
/// option's full path, its value and the bound; none repeats the Redis URL, which may hold a password.
/// </summary>
internal sealed class GristmillOptionsValidator(IConfiguration configuration, GristmillFlags flags) : IValidateOptions<GristmillOptions>
{
    public ValidateOptionsResult Validate(string? name, GristmillOptions options)
    {
        var found = new OptionProblems(GristmillOptions.Section);
        found.AddRange(UnknownOptions.Find(configuration.GetSection(GristmillOptions.Section), typeof(GristmillOptions)));
        found.AddRange(ShortNames.Errors(configuration, flags));
        Silo(options, found);
        Redis(options.Redis, found);
        Embedded(options.Embedded, found.Under("Embedded"));
        GpuOptionsRules.Check(options.Gpus, found.Under("Gpus"));
        AccessRules.Check(options, configuration, found);
        EngineHosting.Check(options, configuration, found);
        Queues(options, found);
        found.Add(OptionValues.Read(configuration.GetSection(GristmillOptions.Section), typeof(GristmillOptions)).Wrong);
        return found.Messages.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(found.Messages);
    }

    private static void Silo(GristmillOptions options, OptionProblems found)
    {
        if (!RedisKeys.IsName(options.Service))
        {
            found.Add("Service", options.Service, "1 to 128 letters, digits, '.', '_', ':' and '-'");
        }

        if (options.SiloName.Length is 0 or > 128)
        {
            found.Add("SiloName", options.SiloName, "1 to 128 characters");
        }

        LabelRules.Check(options.Labels, found);
        found.Range("LeaseSeconds", options.LeaseSeconds, 1, 300);
        found.Range("RenewSeconds", options.RenewSeconds, 0.1, options.LeaseSeconds / 3);
        found.Range("ShutdownSeconds", options.ShutdownSeconds, 0, 3600);
        found.Range("StatisticsSeconds", options.StatisticsSeconds, 0, 86_400);
        found.Range("FindingsSeconds", options.FindingsSeconds, 5, 86_400);
        if (!Uri.TryCreate(options.Url, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || options.Url.Contains(';'))
        {
            found.Add("Url", options.Url, "one http:// or https:// URL, such as http://127.0.0.1:8080");
        }

        for (var i = 0; i < options.HandlerAssemblies.Count; i++)
        {
            if (!File.Exists(options.HandlerAssemblies[i]))
            {
                found.Add($"HandlerAssemblies:{i}", options.HandlerAssemblies[i], "a file that exists");
            }
        }
    }

    private static void Redis(string? url, OptionProblems found)
    {
        if (url is null)
        {
            return;
        }

        try
        {
            var parsed = RedisOptions.Parse(url);
            if (parsed.User is not null && parsed.Password is null)
            {
                found.AddMessage("Redis", "has a user and no password; a password alone is written redis://:password@host.");
            }
        }
        catch (FormatException error)
        {
            found.AddMessage("Redis", $"is no valid URL (its value is not shown, since it may hold a password): {error.Message}");
        }
    }

    private static void Embedded(EmbeddedStoreOptions options, OptionProblems found)
    {
        if (string.IsNullOrWhiteSpace(options.Folder))
        {
            found.Add("Folder", options.Folder, "a folder, such as ./.gristmill");
        }

        found.Range("Port", options.Port, 0, 65_535);
        found.Range("MemoryMiB", options.MemoryMiB, 64, 1_048_576);
    }

    private void Queues(GristmillOptions options, OptionProblems found)
    {
        if (flags.HasQueue && flags.Queue is null && flags.List is null && options.Queues.Count != 1)
        {
            found.AddMessage("Queues", $"has {options.Queues.Count} queues; name the one that the flags are about with --queue.");
        }

        var owners = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (queue, of) in options.Queues)
        {
            var under = found.Under($"Queues:{queue}");
            QueueOptionsRules.Check(queue, of, under);
            foreach (var list in of.AllLists().Select(l => l.Name).Distinct(StringComparer.Ordinal))
            {
                if (!owners.TryAdd(list, queue))
                {
                    under.AddMessage("List", $"is '{list}', which is a list of the queue '{owners[list]}' too; a list belongs to one queue.");
                }
            }
        }

        foreach (var (queue, of) in options.Queues)
        {
            if (of.DeadLetterList is { } letters && owners.TryGetValue(letters, out var owner))
            {
                found.Under($"Queues:{queue}").AddMessage(
                    "DeadLetterList", $"is '{letters}', from which the queue '{owner}' takes its jobs: dead letters would run again. Choose another list.");
            }
        }
    }
}

using System.Globalization;
using Gristmill.Redis;
using Gristmill.Store;
using Microsoft.Extensions.Options;

namespace Gristmill.Client;

/// <summary>Checks the options; each message names the option, its value and the bound.</summary>
internal sealed class GristmillClientOptionsValidator : IValidateOptions<GristmillClientOptions>
{
    private const int MaxPayload = 512 * 1024 * 1024;

    public ValidateOptionsResult Validate(string? name, GristmillClientOptions options)
    {
        var failures = Check(options);
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    /// <summary>One message for each option that is wrong.</summary>
    public static IReadOnlyList<string> Check(GristmillClientOptions options)
    {
        var found = new List<string>();
        if (options.Redis is { } url)
        {
            found.AddRange(new RedisOptions { Url = url }.Validate().Select(m => $"{nameof(options.Redis)} ('{RedisUrl.Redact(url)}') is not usable: {m}"));
        }

        if (!RedisKeys.IsName(options.Service))
        {
            found.Add($"{nameof(options.Service)} is '{options.Service}'; it must be 1 to 128 letters, digits, '.', '_', ':' and '-'.");
        }

        Between(found, nameof(options.Database), options.Database, 0, 1_000_000);
        Between(found, nameof(options.MaxRetries), options.MaxRetries, 0, 20);
        Between(found, nameof(options.RetryDelay), options.RetryDelay, TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(10));
        Between(found, nameof(options.PollInterval), options.PollInterval, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10));
        Between(found, nameof(options.WaitingForAge), options.WaitingForAge, TimeSpan.Zero, TimeSpan.FromSeconds(10));
        Between(found, nameof(options.MaxWatchers), options.MaxWatchers, 1, 1_000_000);
        Queue(found, nameof(options.Defaults), options.Defaults);
        foreach (var (queue, own) in options.Queues)
        {
            if (!RedisKeys.IsName(queue)) found.Add($"{nameof(options.Queues)} has the name '{queue}'; it must be 1 to 128 letters, digits, '.', '_', ':' and '-'.");
            Queue(found, $"{nameof(options.Queues)}[{queue}]", own);
        }

        return found;
    }

    private static void Queue(List<string> found, string path, ClientQueueOptions queue)
    {
        Between(found, $"{path}.{nameof(queue.MaxPayloadBytes)}", queue.MaxPayloadBytes, 1, MaxPayload);
        Between(found, $"{path}.{nameof(queue.IdWindow)}", queue.IdWindow, TimeSpan.FromSeconds(1), TimeSpan.FromDays(30));
        Between(found, $"{path}.{nameof(queue.MaxReady)}", queue.MaxReady, 0, 1_000_000_000);
        Between(found, $"{path}.{nameof(queue.MaxWaiting)}", queue.MaxWaiting, 0, 10_000_000);
    }

    private static void Between<T>(List<string> found, string option, T value, T least, T most)
        where T : IComparable<T>
    {
        if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
        {
            found.Add(string.Create(CultureInfo.InvariantCulture, $"{option} is {value}; it must be from {least} to {most}."));
        }
    }
}

using Microsoft.Extensions.Options;

namespace Gristmill.Engine;

/// <summary>Checks the options at start; each message names the option, its value and the bound.</summary>
internal sealed class GrainEngineOptionsValidator : IValidateOptions<GrainEngineOptions>
{
    private const int MaxNameLength = 64;

    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    public ValidateOptionsResult Validate(string? name, GrainEngineOptions options)
    {
        var failures = new List<string>();
        Name(nameof(options.ServiceId), options.ServiceId);
        Name(nameof(options.ClusterId), options.ClusterId);
        Name(nameof(options.SiloName), options.SiloName);
        Between(nameof(options.Database), options.Database, 0, 1_000_000);
        Between(nameof(options.MembershipTtl), options.MembershipTtl, 3 * Shortest, Longest);
        Between(nameof(options.MembershipRenew), options.MembershipRenew, Shortest, options.MembershipTtl / 3);
        Between(nameof(options.CollectionAge), options.CollectionAge, TimeSpan.FromSeconds(1), TimeSpan.FromDays(49));
        Between(nameof(options.CollectionQuantum), options.CollectionQuantum, Shortest, options.CollectionAge);
        Between(nameof(options.ResponseTimeout), options.ResponseTimeout, Shortest, Longest);
        Between(nameof(options.ActivationTimeout), options.ActivationTimeout, Shortest, Longest);
        Between(nameof(options.DeactivationTimeout), options.DeactivationTimeout, Shortest, Longest);
        Between(nameof(options.ShutdownTimeout), options.ShutdownTimeout, Shortest, Longest);
        Between(nameof(options.MaxCallsPerActivation), options.MaxCallsPerActivation, 1, int.MaxValue);
        Between(nameof(options.MaxActivations), options.MaxActivations, 1, int.MaxValue);
        Between(nameof(options.MaxCallsInFlightPerSilo), options.MaxCallsInFlightPerSilo, 1, 100_000);
        Between(nameof(options.MaxCallBytesInFlightPerSilo), options.MaxCallBytesInFlightPerSilo, 1024, 16L << 30);
        Between(nameof(options.MaxCallsWaitingPerSilo), options.MaxCallsWaitingPerSilo, 1, int.MaxValue);
        Between(nameof(options.MaxCachedLocations), options.MaxCachedLocations, 2, int.MaxValue);
        Between(nameof(options.MaxMessageBytes), options.MaxMessageBytes, 1024, 512 * 1024 * 1024);
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);

        void Name(string option, string value)
        {
            if (value is not { Length: > 0 and <= MaxNameLength } || !value.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
                failures.Add($"{option} is '{value}'; it must be 1 to {MaxNameLength} letters, digits, '-', '_' and '.'.");
        }

        void Between<T>(string option, T value, T least, T most)
            where T : IComparable<T>
        {
            if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
                failures.Add($"{option} is {value}; it must be from {least} to {most}.");
        }
    }
}

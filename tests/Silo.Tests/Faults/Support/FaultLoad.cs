using System.Text;
using Gristmill.Store;

namespace Gristmill.Silo.Tests.Faults.Support;

/// <summary>Loads of jobs.</summary>
internal static class FaultLoad
{
    public static FaultItem Plain(string key, int workMs = 0) => new(key, Json($$"""{"k":"{{key}}","workMs":{{workMs}}}"""));

    /// <summary>A job that becomes a dead letter with its only attempt.</summary>
    public static FaultItem Failing(string key) => new(key, Json($$"""{"k":"{{key}}","throws":9,"retry_count":0}"""), JobState.Dead, "retries", 1);

    public static IReadOnlyList<FaultItem> Plain(string prefix, int count, int workMs) =>
        [.. Enumerable.Range(0, count).Select(n => Plain($"{prefix}{n}", workMs))];

    /// <summary>Jobs that work for a time within these bounds, ms.</summary>
    public static IReadOnlyList<FaultItem> Working(string prefix, int count, Random random, int least = 5, int most = 50) =>
        [.. Enumerable.Range(0, count).Select(n => Plain($"{prefix}{n}", random.Next(least, most + 1)))];

    /// <summary>
    /// Jobs of ten kinds in turn: plain, slow, with an id, with progress, that throw once or always, malformed, with a field
    /// of the wrong type; with priorities unless told otherwise.
    /// </summary>
    public static IReadOnlyList<FaultItem> Mixed(string prefix, int count, Random random, bool priorities = true) =>
        [.. Enumerable.Range(0, count).Select(n => OfKind(n % 10, $"{prefix}{n}", random, priorities))];

    private static FaultItem OfKind(int kind, string key, Random random, bool priorities)
    {
        var work = random.Next(20, 80);
        return kind switch
        {
            0 => new(key, Json($$"""{"k":"{{key}}","job_id":"id-{{key}}","workMs":{{work}}}"""), Id: $"id-{key}"),
            1 => new(key, Json($$"""{"k":"{{key}}","throws":1,"retry_count":2,"retry_delay":0.05}"""), Attempts: 2),
            2 => new(key, Json($$"""{"k":"{{key}}","throws":9,"retry_count":1,"retry_delay":0.02}"""), JobState.Dead, "retries", 2),
            3 => new(key, Json($$"""{"k":"{{key}}","workMs":"""), JobState.Dead, "malformed"),
            4 => new(key, Json($$"""{"k":"{{key}}","priority":[]}"""), JobState.Dead, "invalid_field"),
            5 when priorities => new(key, Json($$"""{"k":"{{key}}","priority":{{random.Next(10)}}}""")),
            6 => new(key, Json($$"""{"k":"{{key}}","reports":3,"workMs":{{work}}}""")),
            7 => Plain(key, work),
            _ => Plain(key),
        };
    }

    public static byte[] Json(string text) => Encoding.UTF8.GetBytes(text);
}

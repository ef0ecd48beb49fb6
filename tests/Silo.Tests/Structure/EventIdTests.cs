using System.Reflection;
using Gristmill.Client;
using Gristmill.Grains.Options;
using Gristmill.Redis;
using Gristmill.Silo.Http;
using Gristmill.Store;
using Microsoft.Extensions.Logging;

namespace Gristmill.Silo.Tests.Structure;

/// <summary>An event id says the same thing wherever it is logged: each stands for one message of one assembly.</summary>
public sealed class EventIdTests
{
    private static readonly Assembly[] Product =
    [
        typeof(RedisClient).Assembly, typeof(QueueStore).Assembly, typeof(Grains.IBridgeGrain).Assembly,
        typeof(GristmillOptions).Assembly, typeof(IGristmillClient).Assembly, typeof(GristmillApi).Assembly,

        // The default engine, where it is the one.
        .. typeof(Grains.IBridgeGrain).Assembly.GetReferencedAssemblies().Where(a => a.Name!.StartsWith("Gristmill.", StringComparison.Ordinal)).Select(Assembly.Load),
    ];

    [Fact]
    public void Event_ids_of_all_assemblies_are_given_once()
    {
        var messages = Product.Distinct().SelectMany(a => a.GetTypes())
            .SelectMany(t => t.GetMethods(BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            .Select(m => (Method: $"{m.DeclaringType}.{m.Name}", m.GetCustomAttribute<LoggerMessageAttribute>()?.EventId))
            .Where(m => m.EventId is not null)
            .ToList();
        var twice = messages.GroupBy(m => m.EventId).Where(g => g.Count() > 1).Select(g => $"{g.Key}: {string.Join(", ", g.Select(m => m.Method))}").ToList();

        Assert.True(messages.Count > 80, $"Found only {messages.Count} messages.");
        Assert.DoesNotContain(messages, m => m.EventId <= 0);
        Assert.True(twice.Count == 0, string.Join('\n', twice));
    }
}

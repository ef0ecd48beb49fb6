using Gristmill.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gristmill.Redis.Tests;

/// <summary>Clients for tests, with a seeded chance and short waits between attempts to connect.</summary>
internal static class Clients
{
    public static IRedisClient To(IRedisServer server, Action<RedisOptions>? configure = null) => To(server.Url, configure);

    public static IRedisClient To(string url, Action<RedisOptions>? configure = null)
    {
        var options = RedisOptions.Parse(url);
        options.BackoffMin = TimeSpan.FromMilliseconds(5);
        options.BackoffMax = TimeSpan.FromMilliseconds(50);
        options.CommandTimeout = TimeSpan.FromSeconds(20);
        options.ConnectTimeout = TimeSpan.FromSeconds(20);
        configure?.Invoke(options);
        return RedisClient.Connect(options, NullLoggerFactory.Instance, TimeProvider.System, new Random(7));
    }

    /// <summary>Sends a command of text arguments.</summary>
    public static ValueTask<RedisReply> Do(this IRedisClient client, string name, params string[] arguments) =>
        client.ExecuteAsync(new RedisCommand(name, arguments), TestContext.Current.CancellationToken);

    public static ValueTask<RedisReply> Do(this IRedisClient client, RedisCommand command) =>
        client.ExecuteAsync(command, TestContext.Current.CancellationToken);

    public static ValueTask<RedisReply> Call(this IRedisClient client, RedisScriptCall call) =>
        client.EvaluateAsync(call, TestContext.Current.CancellationToken);

    /// <summary>A key that no other test uses.</summary>
    public static string Key(string name = "key") => $"{name}:{Guid.NewGuid():N}";
}

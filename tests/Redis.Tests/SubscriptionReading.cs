namespace Gristmill.Redis.Tests;

/// <summary>Reads deliveries one by one, with a time limit.</summary>
internal static class SubscriptionReading
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    public static async Task<RedisMessage> NextAsync(this RedisSubscription subscription)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Limit);
        await foreach (var message in subscription.ReadAllAsync(limit.Token))
        {
            return message;
        }

        throw new InvalidOperationException("The subscription has ended.");
    }
}

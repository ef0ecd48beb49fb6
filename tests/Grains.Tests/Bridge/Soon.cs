using Gristmill.Testing;

namespace Gristmill.Grains.Tests.Bridge;

/// <summary><see cref="Eventually"/>, ended with the test.</summary>
internal static class Soon
{
    public static Task TrueAsync(string expected, Func<bool> look) =>
        Eventually.TrueAsync(expected, look, cancellationToken: TestContext.Current.CancellationToken);

    public static Task TrueAsync(string expected, Func<Task<bool>> look) =>
        Eventually.TrueAsync(expected, look, cancellationToken: TestContext.Current.CancellationToken);

    public static Task<T> MatchesAsync<T>(string expected, Func<Task<T>> look, Func<T, bool> matches, TimeSpan? limit = null) =>
        Eventually.MatchesAsync(expected, look, matches, limit, TestContext.Current.CancellationToken);
}

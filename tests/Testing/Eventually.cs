using System.Diagnostics;

namespace Gristmill.Testing;

/// <summary>
/// Waits for a condition by looking again and again: the only place in the tests that polls. For what announces itself, wait
/// for the event instead. Gives up after a bounded number of looks and says what was expected and what was last seen.
/// </summary>
public static class Eventually
{
    public static readonly TimeSpan Period = TimeSpan.FromMilliseconds(20);
    public static readonly TimeSpan DefaultLimit = TimeSpan.FromSeconds(20);

    /// <summary>Waits until a value is as expected, and returns it.</summary>
    public static async Task<T> MatchesAsync<T>(
        string expected, Func<Task<T>> look, Func<T, bool> matches, TimeSpan? limit = null, CancellationToken cancellationToken = default)
    {
        var within = limit ?? DefaultLimit;
        var tries = Math.Max(1, (int)(within / Period));
        var clock = Stopwatch.StartNew();
        using var timer = new PeriodicTimer(Period);
        string seen;
        do
        {
            try
            {
                var value = await look();
                if (matches(value))
                {
                    return value;
                }

                seen = value?.ToString() ?? "null";
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                seen = $"{e.GetType().Name}: {e.Message}";
            }
        }
        while (--tries > 0 && clock.Elapsed < within && await timer.WaitForNextTickAsync(cancellationToken));
        throw new TimeoutException($"Expected within {within.TotalSeconds:0.#} s: {expected}. Actual: {seen}.");
    }

    /// <summary>Waits until a value equals another.</summary>
    public static Task EqualAsync<T>(T expected, Func<Task<T>> look, TimeSpan? limit = null, CancellationToken cancellationToken = default) =>
        MatchesAsync($"{expected}", look, v => EqualityComparer<T>.Default.Equals(v, expected), limit, cancellationToken);

    /// <summary>Waits until a condition holds.</summary>
    public static Task TrueAsync(string expected, Func<Task<bool>> look, TimeSpan? limit = null, CancellationToken cancellationToken = default) =>
        MatchesAsync(expected, look, v => v, limit, cancellationToken);

    /// <summary>Waits until a condition holds.</summary>
    public static Task TrueAsync(string expected, Func<bool> look, TimeSpan? limit = null, CancellationToken cancellationToken = default) =>
        MatchesAsync(expected, () => Task.FromResult(look()), v => v, limit, cancellationToken);
}

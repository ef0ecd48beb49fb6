using System.Runtime.CompilerServices;

namespace Gristmill.Grains.Tests.Workers;

/// <summary>Waits for what other processes do, which tell nobody; gives up with the condition's text.</summary>
internal static class Wait
{
    private static readonly TimeSpan GiveUp = TimeSpan.FromSeconds(20);

    public static async Task UntilAsync(
        Func<bool> condition, Func<string>? state = null, [CallerArgumentExpression(nameof(condition))] string text = "")
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        giveUp.CancelAfter(GiveUp);
        while (!condition())
        {
            try
            {
                await timer.WaitForNextTickAsync(giveUp.Token);
            }
            catch (OperationCanceledException)
            {
                Assert.Fail($"Not so after {GiveUp}: {text}. {state?.Invoke()}");
            }
        }
    }

    /// <summary>Gone, or a zombie that only waits for its parent to look.</summary>
    public static bool IsDead(long processId)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{processId}/stat");
            return stat[stat.LastIndexOf(')') + 2] is 'Z' or 'X';
        }
        catch (IOException)
        {
            return true;
        }
    }
}

using Gristmill.Redis;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Gristmill.Silo.Commands.Live;

/// <summary>
/// Shows something again and again: a picture in its place on a terminal, lines elsewhere, a line of JSON for scripts. Ends
/// by Ctrl-C, after as many looks as were asked for, or when there is nothing more to see. The first look must succeed; when
/// a later one fails as Redis or the network may, that is said once and the next one is tried.
/// </summary>
/// <typeparam name="T">What one look sees.</typeparam>
/// <param name="run">The run.</param>
/// <param name="look">Looks; gets what the look before saw.</param>
/// <param name="picture">What a look saw, for a terminal.</param>
/// <param name="lines">The same as lines that make sense one by one.</param>
/// <param name="json">The same as an object.</param>
internal sealed class LiveView<T>(
    CommandRun run, Func<T?, CancellationToken, Task<T>> look, Func<T, IRenderable> picture, Func<T, IEnumerable<string>> lines, Func<T, object> json)
    where T : class
{
    /// <summary>Whether a look was the last there is to see.</summary>
    public Func<T, bool> IsLast { get; init; } = static _ => false;

    /// <summary>Watches.</summary>
    /// <returns>What was seen last.</returns>
    public async Task<T> RunAsync(CancellationToken cancellationToken)
    {
        var pace = WatchOptions.Pace(run);
        var first = await look(null, cancellationToken);
        if (run.IsJson) return await FollowAsync(first, pace, seen => run.WriteJsonLine(json(seen)), Say, cancellationToken);
        if (!run.Environment.IsTerminal) return await FollowAsync(first, pace, WriteLines, Say, cancellationToken);
        var console = run.Environment.MakeConsole(moving: true);
        return await console.Live(picture(first)).Overflow(VerticalOverflow.Ellipsis).StartAsync(async live =>
        {
            var shown = picture(first);
            return await FollowAsync(
                first,
                pace,
                seen => live.UpdateTarget(Framed(shown = picture(seen), Plain.Time(run.Environment.Clock.GetUtcNow()) + "   Ctrl-C ends")),
                trouble => live.UpdateTarget(Framed(shown, trouble)),
                cancellationToken);
        });
    }

    private async Task<T> FollowAsync(T first, (TimeSpan Every, int Looks) pace, Action<T> show, Action<string> trouble, CancellationToken cancellationToken)
    {
        var seen = first;
        show(seen);
        using var timer = new PeriodicTimer(pace.Every, run.Environment.Clock);
        var isTold = false;
        for (var looks = 1; looks < pace.Looks && !IsLast(seen); looks++)
        {
            try
            {
                await timer.WaitForNextTickAsync(cancellationToken);
                seen = await look(seen, cancellationToken);
                show(seen);
                isTold = false;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e) when (Failures.MayPass(e))
            {
                if (!isTold) trouble($"{RedisAdvice.Sentence(Failures.Explain(e)!.Message)} Trying again.");
                isTold = true;
            }
        }

        return seen;
    }

    private void Say(string trouble) => run.Warn(trouble);

    private void WriteLines(T seen)
    {
        var at = Plain.Time(run.Environment.Clock.GetUtcNow());
        foreach (var line in lines(seen)) run.WriteLine($"{at}  {line}");
    }

    private static Rows Framed(IRenderable picture, string below) => new(picture, new Text(Plain.Text(below), new Style(decoration: Decoration.Dim)));
}

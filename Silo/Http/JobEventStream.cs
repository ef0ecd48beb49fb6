using System.Text;
using System.Text.Json;
using Gristmill.Client;

namespace Gristmill.Silo.Http;

/// <summary>
/// A job's events as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html): "state" with the
/// job, "progress" with how far it is. Events are numbered; the outcome has the id "end". A browser that comes back with that
/// id gets 204, which tells it not to come again. A comment now and then keeps proxies from closing the connection.
/// </summary>
internal static class JobEventStream
{
    /// <summary>The id of the last event.</summary>
    public const string EndId = "end";

    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    public static async Task<IResult> WriteAsync(string queue, string id, HttpContext context, QueueDirectory queues, TimeProvider clock)
    {
        var cancellationToken = context.RequestAborted;
        var target = await queues.FindAsync(queue, cancellationToken);
        if (context.Request.Headers["Last-Event-ID"] == EndId) return Results.NoContent();
        await using var events = target.WatchAsync(id, cancellationToken).GetAsyncEnumerator(cancellationToken);

        // The first event comes before anything is written: an unknown job is a problem, not a stream.
        if (!await events.MoveNextAsync()) return Results.NoContent();
        Begin(context);
        try
        {
            await CopyAsync(events, context.Response.Body, queues, clock, cancellationToken);
        }
        catch (Exception e) when (e is JobNotFoundException || cancellationToken.IsCancellationRequested)
        {
            // The record is gone, or the reader is: the stream ends here.
        }

        return Results.Empty;
    }

    private static void Begin(HttpContext context)
    {
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-cache";
        context.Response.Headers["X-Accel-Buffering"] = "no";
        context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpResponseBodyFeature>()?.DisableBuffering();
    }

    private static async Task CopyAsync(IAsyncEnumerator<JobEvent> events, Stream output, QueueDirectory queues, TimeProvider clock, CancellationToken cancellationToken)
    {
        var number = 0;
        bool more;
        do
        {
            await output.WriteAsync(Format(events.Current, ++number, queues), cancellationToken);
            await output.FlushAsync(cancellationToken);
            more = await NextAsync(events, output, clock, cancellationToken);
        }
        while (more);
    }

    private static async Task<bool> NextAsync(IAsyncEnumerator<JobEvent> events, Stream output, TimeProvider clock, CancellationToken cancellationToken)
    {
        var next = events.MoveNextAsync().AsTask();
        try
        {
            while (true)
            {
                using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                var first = await Task.WhenAny(next, Task.Delay(Heartbeat, clock, over.Token));
                await over.CancelAsync();
                if (first == next) return await next;
                await output.WriteAsync(": still here\n\n"u8.ToArray(), cancellationToken);
                await output.FlushAsync(cancellationToken);
            }
        }
        catch
        {
            // The enumerator may be disposed only when it does not move; the request's end has stopped it.
            await next.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            throw;
        }
    }

    private static byte[] Format(JobEvent happened, int number, QueueDirectory queues)
    {
        var isEnd = happened.Job.IsFinished;
        var isProgress = happened.Kind == JobEventKind.Progress;
        var data = isProgress
            ? JsonSerializer.Serialize(happened.Progress, ApiJson.Options)
            : JsonSerializer.Serialize(queues.Present(happened.Job), ApiJson.Options);
        return Encoding.UTF8.GetBytes($"id: {(isEnd ? EndId : number)}\nevent: {(isProgress ? "progress" : "state")}\ndata: {data}\n\n");
    }
}

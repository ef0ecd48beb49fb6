using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Gristmill.Client;
using Gristmill.Silo.Http.Access;
using Microsoft.AspNetCore.Authentication;

namespace Gristmill.Silo.Http;

/// <summary>
/// A job's events as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html): "state" with the
/// job, "progress" with how far it is. The id of an event is how many the reader has had with it, from 1; the outcome has the
/// id "end". A reader that was cut off comes back with the last id that it has (Last-Event-ID): a number is counted on, and
/// the first event is the state of now, which is the outcome where that came meanwhile; with "end" it gets 204, which tells a browser
/// not to come again. A comment now and then keeps proxies from closing the connection.
/// </summary>
internal static class JobEventStream
{
    /// <summary>The id of the last event.</summary>
    public const string EndId = "end";

    private const int Piece = 16 * 1024;
    private static readonly ConditionalWeakTable<Job, byte[]> Written = [];
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan ShortestStream = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestTimer = TimeSpan.FromDays(49);

    public static async Task<IResult> WriteAsync(string queue, string id, HttpContext context, QueueDirectory queues, TimeProvider clock)
    {
        using var expiry = Expiry(context, clock);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, expiry.Token);
        var cancellationToken = over.Token;
        var target = await queues.FindAsync(queue, cancellationToken);
        if (context.Request.Headers["Last-Event-ID"] == EndId) return Results.NoContent();
        await using var events = QueueDirectory.WatchAsync(target, id, cancellationToken).GetAsyncEnumerator(cancellationToken);

        // The first event comes before anything is written: an unknown job is a problem, not a stream.
        if (!await events.MoveNextAsync()) return Results.NoContent();
        Begin(context);
        try
        {
            await CopyAsync(events, context.Response.Body, Had(context.Request), queues, clock, cancellationToken);
        }
        catch (Exception e) when (e is JobNotFoundException || cancellationToken.IsCancellationRequested)
        {
            // The record is gone, or the reader is, or its token is over: the stream ends here.
        }

        return Results.Empty;
    }

    // With the token that opened it a stream ends: who comes again shows another. Keys have no end.
    private static CancellationTokenSource Expiry(HttpContext context, TimeProvider clock)
    {
        if (context.Features.Get<IAuthenticateResultFeature>()?.AuthenticateResult?.Properties?.ExpiresUtc is not { } end) return new CancellationTokenSource();
        var left = end + OidcAuthentication.ClockSkew - clock.GetUtcNow();
        return new CancellationTokenSource(left < ShortestStream ? ShortestStream : left > LongestTimer ? LongestTimer : left, clock);
    }

    // What is no number of ours begins anew.
    private static long Had(HttpRequest request) =>
        int.TryParse(request.Headers["Last-Event-ID"], NumberStyles.None, CultureInfo.InvariantCulture, out var had) ? had : 0;

    private static void Begin(HttpContext context)
    {
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-cache";
        context.Response.Headers["X-Accel-Buffering"] = "no";
        context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpResponseBodyFeature>()?.DisableBuffering();
    }

    private static async Task CopyAsync(IAsyncEnumerator<JobEvent> events, Stream output, long number, QueueDirectory queues, TimeProvider clock, CancellationToken cancellationToken)
    {
        bool more;
        do
        {
            await WriteAsync(events.Current, ++number, output, queues, cancellationToken);
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

    private static async Task WriteAsync(JobEvent happened, long number, Stream output, QueueDirectory queues, CancellationToken cancellationToken)
    {
        var isProgress = happened.Kind == JobEventKind.Progress;
        var id = happened.Job.IsFinished ? EndId : number.ToString(CultureInfo.InvariantCulture);
        await output.WriteAsync(Encoding.UTF8.GetBytes($"id: {id}\nevent: {(isProgress ? "progress" : "state")}\ndata: "), cancellationToken);
        ReadOnlyMemory<byte> data = isProgress ? JsonSerializer.SerializeToUtf8Bytes(happened.Progress, ApiJson.Options) : Write(happened.Job, queues);
        while (data.Length > Piece)
        {
            // A slow reader gets a piece when it has taken the one before: what waits for it is no whole result.
            await output.WriteAsync(data[..Piece], cancellationToken);
            await output.FlushAsync(cancellationToken);
            data = data[Piece..];
        }

        await output.WriteAsync(data, cancellationToken);
        await output.WriteAsync("\n\n"u8.ToArray(), cancellationToken);
        await output.FlushAsync(cancellationToken);
    }

    // The watchers of a job share what was read, and with this what is written of it.
    private static byte[] Write(Job job, QueueDirectory queues)
    {
        if (Written.TryGetValue(job, out var known)) return known;
        lock (Written) return Written.GetValue(job, j => JsonSerializer.SerializeToUtf8Bytes(queues.Present(j), ApiJson.Options));
    }
}

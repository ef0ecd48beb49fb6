using System.Text.Json;
using System.Text.Json.Nodes;
using Gristmill.Grains.Handlers;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Tests.Handlers;

internal sealed record Chunk(string SessionId, int Number, string? Text = null);

internal sealed class EchoHandler : IJobHandler<Chunk, Chunk>
{
    public Task<Chunk> HandleAsync(Chunk payload, JobContext context, CancellationToken cancellationToken) =>
        Task.FromResult(payload with { Number = payload.Number + 1 });
}

[JobHandler("attributed")]
internal sealed class AttributedHandler : IJobHandler<JsonElement, int>
{
    public Task<int> HandleAsync(JsonElement payload, JobContext context, CancellationToken cancellationToken) =>
        Task.FromResult(payload.GetProperty("n").GetInt32());
}

internal sealed class NodeHandler : IJobHandler<JsonNode?, string?>
{
    public Task<string?> HandleAsync(JsonNode? payload, JobContext context, CancellationToken cancellationToken) =>
        Task.FromResult(payload?["name"]?.GetValue<string>());
}

internal sealed class TextHandler : IJobHandler<string, int>
{
    public Task<int> HandleAsync(string payload, JobContext context, CancellationToken cancellationToken) =>
        Task.FromResult(payload.Length);
}

internal sealed class BytesHandler : IJobHandler<byte[], int>
{
    public Task<int> HandleAsync(byte[] payload, JobContext context, CancellationToken cancellationToken) =>
        Task.FromResult(payload.Sum(b => b));
}

internal sealed class MemoryHandler : IJobHandler<ReadOnlyMemory<byte>, bool>
{
    public Task<bool> HandleAsync(ReadOnlyMemory<byte> payload, JobContext context, CancellationToken cancellationToken) =>
        Task.FromResult(payload.Equals(context.Payload));
}

internal sealed class LongResultHandler : IJobHandler<JsonElement, string>
{
    public async Task<string> HandleAsync(JsonElement payload, JobContext context, CancellationToken cancellationToken)
    {
        await Task.Yield();
        return new string('x', payload.GetInt32());
    }
}

/// <summary>Does as it is told, at once or after an await.</summary>
internal sealed class ObedientHandler : IJobHandler<ObedientHandler.Order, object?>
{
    internal sealed record Order(string Do, bool Later = false);

    public Task<object?> HandleAsync(Order payload, JobContext context, CancellationToken cancellationToken) =>
        payload.Later ? LaterAsync(payload, context, cancellationToken) : Obey(payload, context, cancellationToken);

    private static async Task<object?> LaterAsync(Order payload, JobContext context, CancellationToken cancellationToken)
    {
        await Task.Yield();
        return await Obey(payload, context, cancellationToken);
    }

    private static Task<object?> Obey(Order order, JobContext context, CancellationToken cancellationToken) => order.Do switch
    {
        "nothing" => Task.FromResult<object?>(null),
        "retry" => throw new JobFailedException("not now"),
        "fatal" => throw new JobFailedException("never", JobFailureKind.Fatal),
        "oom" => throw new JobFailedException("too big", JobFailureKind.OutOfMemory),
        "clr-oom" => throw new OutOfMemoryException(),
        "cuda-oom" => throw new InvalidOperationException("outer", new InvalidOperationException("CUDA out of memory. Tried to…")),
        "throw" => throw new InvalidOperationException("broken"),
        "huge-message" => throw new InvalidOperationException(new string('m', 100_000)),
        "own-cancel" => throw new TaskCanceledException("an HTTP timeout"),
        "null-task" => null!,
        "progress" => Progress(context),
        "log" => LogIt(context),
        "wait" => WaitAsync(cancellationToken),
        _ => throw new ArgumentOutOfRangeException(nameof(order)),
    };

    private static Task<object?> Progress(JobContext context)
    {
        context.ReportProgress(1, 2, "half");
        return Task.FromResult<object?>(null);
    }

    private static Task<object?> LogIt(JobContext context)
    {
        context.Logger.LogWarning("from the handler");
        return Task.FromResult<object?>(context.IdempotencyKey);
    }

    private static async Task<object?> WaitAsync(CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.Infinite, cancellationToken);
        return null;
    }
}

internal sealed class ScopedHandler(ScopedThing thing) : IJobHandler<JsonElement, int>
{
    public Task<int> HandleAsync(JsonElement payload, JobContext context, CancellationToken cancellationToken) =>
        Task.FromResult(thing.Number);
}

/// <summary>Counts itself and how many of it were disposed.</summary>
internal sealed class ScopedThing(ScopedThing.Count count) : IDisposable
{
    internal sealed class Count
    {
        public int Created;
        public int Disposed;
    }

    public int Number { get; } = Interlocked.Increment(ref count.Created);

    public void Dispose() => Interlocked.Increment(ref count.Disposed);
}

internal sealed class NeedsTheUnknownHandler(ScopedThing thing) : IJobHandler<JsonElement, int>
{
    public Task<int> HandleAsync(JsonElement payload, JobContext context, CancellationToken cancellationToken) =>
        Task.FromResult(thing.Number);
}

/// <summary>Needs what nobody registers.</summary>
internal sealed class NeedyHandler(IFormatProvider format) : IJobHandler<string, string?>
{
    public Task<string?> HandleAsync(string payload, JobContext context, CancellationToken cancellationToken) =>
        Task.FromResult(format.ToString());
}

/// <summary>Everything that the names and the presence of members depend on.</summary>
internal sealed record Upload(string FileName, int PartCount, Upload.Owner? UploadedBy, List<Upload.Owner>? SharedWith = null, Dictionary<string, int>? PartSizes = null)
{
    public string? file_type { get; init; }

    internal sealed record Owner(string UserId);
}

internal sealed class UploadHandler : IJobHandler<Upload, string>
{
    public Task<string> HandleAsync(Upload payload, JobContext context, CancellationToken cancellationToken) => Task.FromResult(
        $"{payload.FileName} {payload.PartCount} {payload.UploadedBy?.UserId} {payload.SharedWith?[0].UserId} {payload.PartSizes?.Keys.First()} {payload.file_type}");
}

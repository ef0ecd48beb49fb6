using System.Diagnostics;

namespace Gristmill.Engine.Tests.Contract.Grains;

/// <summary>Says what reached it besides its arguments, and throws what it is told to.</summary>
[Alias("test.IContextGrain")]
public interface IContextGrain : IGrainWithStringKey
{
    [Alias("Value")]
    Task<string?> Value(string key);

    [Alias("ValueBehind")]
    Task<string?> ValueBehind(string key, string next);

    [Alias("Overwrite")]
    Task Overwrite(string key, string value);

    [Alias("Trace")]
    Task<string?> Trace();

    [Alias("Throw")]
    Task Throw(string what);

    [Alias("ThrowBehind")]
    Task ThrowBehind(string what, string next);

    [Alias("Echo")]
    Task<Everything> Echo(Everything value);
}

/// <summary>One of each kind of value that may cross a call.</summary>
[GenerateSerializer, Immutable, Alias("test.Everything")]
public sealed record Everything(
    [property: Id(0)] string? Text,
    [property: Id(1)] long Number,
    [property: Id(2)] double Real,
    [property: Id(3)] Guid Id,
    [property: Id(4)] DateTimeOffset Time,
    [property: Id(5)] TimeSpan Span,
    [property: Id(6)] byte[] Bytes,
    [property: Id(7)] IReadOnlyList<string> Names,
    [property: Id(8)] IReadOnlyDictionary<string, int> Counts,
    [property: Id(9)] DayOfWeek Day,
    [property: Id(10)] Part? Part,
    [property: Id(11)] int? Maybe,
    [property: Id(12)] ReadOnlyMemory<byte> Memory);

[GenerateSerializer, Immutable, Alias("test.Part")]
public sealed record Part([property: Id(0)] string Name);

[RandomPlacement]
public sealed class ContextGrain(Probe probe) : Grain, IContextGrain
{
    public async Task<string?> Value(string key)
    {
        await Task.Yield();
        return RequestContext.Get(key)?.ToString();
    }

    public Task<string?> ValueBehind(string key, string next)
    {
        var value = GrainFactory.GetGrain<IContextGrain>(next).Value(key);
        probe.Signal($"asking:{next}");
        return value;
    }

    public Task Overwrite(string key, string value)
    {
        RequestContext.Set(key, value);
        return Task.CompletedTask;
    }

    public Task<string?> Trace() => Task.FromResult(Activity.Current?.TraceId.ToString());

    public async Task Throw(string what)
    {
        await Task.Yield();
        throw what switch
        {
            "own" => new GristmillException(GristmillErrorKind.NotFound, "there is no such thing"),
            "cancelled" => new OperationCanceledException("given up"),
            _ => new InvalidDataException(what, new InvalidOperationException("inner")),
        };
    }

    public Task ThrowBehind(string what, string next) => GrainFactory.GetGrain<IContextGrain>(next).Throw(what);

    public Task<Everything> Echo(Everything value) => Task.FromResult(value);
}

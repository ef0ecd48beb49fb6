namespace Gristmill.Engine;

/// <summary>A state of an activation, as the engine sees it.</summary>
internal abstract class PersistentState
{
    public abstract Task ReadStateAsync(CancellationToken cancellationToken);

    public static PersistentState Create(GrainEngine engine, Activation activation, StateParameter parameter) =>
        (PersistentState)Activator.CreateInstance(
            typeof(PersistentState<>).MakeGenericType(parameter.StateType),
            engine.Storage, engine.Serializer, new StateId(activation.Id, parameter.Store, parameter.Name))!;
}

/// <summary>
/// A state of an activation: the value in memory and the version it has in the store. Its operations run one after
/// the other, in the order they were asked for.
/// </summary>
internal sealed class PersistentState<TState>(IGrainStorage storage, WireSerializer serializer, StateId id)
    : PersistentState, IPersistentState<TState>
    where TState : new()
{
    private Task _last = Task.CompletedTask;

    public TState State { get; set; } = new();

    public string? Etag { get; private set; }

    public bool RecordExists => Etag is not null;

    public Task ReadStateAsync() => ReadStateAsync(CancellationToken.None);

    public Task WriteStateAsync() => WriteStateAsync(CancellationToken.None);

    public Task ClearStateAsync() => ClearStateAsync(CancellationToken.None);

    public override Task ReadStateAsync(CancellationToken cancellationToken) => AfterTheLast(async () =>
    {
        var stored = await storage.ReadAsync(id, cancellationToken);
        State = stored is null ? new() : serializer.Read<TState>(stored.Data.Span);
        Etag = stored?.Etag;
    });

    public Task WriteStateAsync(CancellationToken cancellationToken) => AfterTheLast(async () =>
        Etag = await storage.WriteAsync(id, Etag, serializer.Write(State), cancellationToken));

    public Task ClearStateAsync(CancellationToken cancellationToken) => AfterTheLast(async () =>
    {
        await storage.ClearAsync(id, Etag, cancellationToken);
        State = new();
        Etag = null;
    });

    private Task AfterTheLast(Func<Task> operation)
    {
        return _last = RunAsync(_last);

        async Task RunAsync(Task last)
        {
            await last.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            await operation();
        }
    }
}

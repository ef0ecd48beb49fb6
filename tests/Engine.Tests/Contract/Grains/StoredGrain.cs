namespace Gristmill.Engine.Tests.Contract.Grains;

/// <summary>A grain with two states.</summary>
[Alias("test.IStoredGrain")]
public interface IStoredGrain : IGrainWithStringKey
{
    [Alias("Read")]
    Task<StoredView> Read();

    [Alias("Write")]
    Task<StoredView> Write(string text);

    [Alias("WriteMany")]
    Task<StoredView> WriteMany(int times);

    [Alias("WriteNotes")]
    Task WriteNotes(string note);

    [Alias("ReadAgain")]
    Task<StoredView> ReadAgain();

    [Alias("Clear")]
    Task<StoredView> Clear();

    [Alias("WriteCatching")]
    Task<string> WriteCatching(string text);
}

[GenerateSerializer, Immutable, Alias("test.StoredView")]
public sealed record StoredView(
    [property: Id(0)] Guid Activation,
    [property: Id(1)] string? Text,
    [property: Id(2)] int Writes,
    [property: Id(3)] string? Etag,
    [property: Id(4)] bool Exists,
    [property: Id(5)] string? Notes);

[GenerateSerializer, Alias("test.StoredState")]
public sealed class StoredText
{
    [Id(0)]
    public string? Text { get; set; }

    [Id(1)]
    public int Writes { get; set; }
}

[RandomPlacement]
public sealed class StoredGrain(
    [PersistentState("text", "main")] IPersistentState<StoredText> text,
    [PersistentState("notes")] IPersistentState<StoredText> notes) : Grain, IStoredGrain
{
    private readonly Guid _activation = Guid.NewGuid();
    private bool _readBeforeActivation;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _readBeforeActivation = text.RecordExists == (text.Etag is not null);
        return Task.CompletedTask;
    }

    public Task<StoredView> Read() => Task.FromResult(View());

    public async Task<StoredView> Write(string value)
    {
        text.State.Text = value;
        text.State.Writes++;
        await text.WriteStateAsync();
        return View();
    }

    public async Task<StoredView> WriteMany(int times)
    {
        await Task.WhenAll(Enumerable.Range(0, times).Select(_ => Write("many")));
        return View();
    }

    public Task WriteNotes(string note)
    {
        notes.State.Text = note;
        return notes.WriteStateAsync();
    }

    public async Task<StoredView> ReadAgain()
    {
        await text.ReadStateAsync();
        return View();
    }

    public async Task<StoredView> Clear()
    {
        await text.ClearStateAsync();
        return View();
    }

    public async Task<string> WriteCatching(string value)
    {
        try
        {
            text.State.Text = value;
            await text.WriteStateAsync();
            return "written";
        }
        catch (InconsistentStateException stale)
        {
            return stale.StoredEtag == stale.CurrentEtag ? "same etags" : "stale";
        }
    }

    private StoredView View() => _readBeforeActivation
        ? new(_activation, text.State.Text, text.State.Writes, text.Etag, text.RecordExists, notes.State.Text)
        : throw new InvalidOperationException("The state was not there when the grain was activated.");
}

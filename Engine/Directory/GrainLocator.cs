namespace Gristmill.Engine;

/// <summary>
/// This silo's questions to the directory, gathered into batches. Calls that wait to hear where their grain is wait in one
/// line for each grain, so that they keep their order.
/// </summary>
internal sealed class GrainLocator
{
    /// <summary>How many grains one script call takes: it must stay short.</summary>
    private const int BatchSize = 500;

    /// <summary>The most calls that wait for an answer of the directory; a round trip takes a millisecond, so more mean that it does not answer.</summary>
    private const int MaxWaiting = 100_000;

    private readonly IGrainDirectory _directory;
    private readonly Func<SiloAddress> _silo;
    private readonly Batcher<Question> _registrations;
    private readonly Batcher<Question> _removals;
    private readonly Batcher<GrainId> _lookups;
    private readonly Dictionary<GrainId, List<Call>> _lines = [];
    private readonly Lock _gate = new();
    private readonly Action<Call, string?, Exception?> _located;
    private int _waiting;

    /// <summary>Creates the locator.</summary>
    /// <param name="directory">Who is asked.</param>
    /// <param name="silo">This silo's address now.</param>
    /// <param name="located">Told of each call where its grain is: at a member, nowhere, or why that cannot be known.</param>
    public GrainLocator(IGrainDirectory directory, Func<SiloAddress> silo, Action<Call, string?, Exception?> located)
    {
        (_directory, _silo, _located) = (directory, silo, located);
        _registrations = new(BatchSize, RegisterAsync);
        _removals = new(BatchSize, UnregisterAsync);
        _lookups = new(BatchSize, LookupAsync);
    }

    /// <summary>Registers a grain for this silo.</summary>
    /// <returns>The other member that holds it; null when this silo does now.</returns>
    /// <exception cref="GristmillException">The directory could not be asked, or this silo is no member.</exception>
    public Task<string?> RegisterAsync(GrainId grain) => Ask(_registrations, grain);

    /// <summary>Ends this silo's holding of a grain.</summary>
    /// <exception cref="GristmillException">The directory could not be asked.</exception>
    public Task UnregisterAsync(GrainId grain) => Ask(_removals, grain);

    /// <summary>Registers grains for a new generation.</summary>
    /// <returns>Those that another member has taken over.</returns>
    public async Task<List<GrainId>> ReregisterAsync(SiloAddress silo, IEnumerable<GrainId> grains, CancellationToken cancellationToken)
    {
        var taken = new List<GrainId>();
        foreach (var batch in grains.Chunk(BatchSize))
        {
            var holders = await _directory.RegisterAsync(silo.Id, batch, cancellationToken).ConfigureAwait(false)
                ?? throw new GristmillException(GristmillErrorKind.Unavailable, $"{silo} is no member.");
            taken.AddRange(batch.Where((_, index) => holders[index] != silo.Id));
        }

        return taken;
    }

    /// <summary>Finds where the grain of a call is, and says it.</summary>
    /// <returns>False when too many calls wait already.</returns>
    public bool TryLocate(Call call)
    {
        lock (_gate)
        {
            if (_waiting >= MaxWaiting)
                return false;
            _waiting++;
            if (_lines.TryGetValue(call.Target, out var line))
            {
                line.Add(call);
                return true;
            }

            _lines.Add(call.Target, [call]);
        }

        _lookups.Add(call.Target);
        return true;
    }

    private static Task<string?> Ask(Batcher<Question> batcher, GrainId grain)
    {
        var question = new Question(grain);
        batcher.Add(question);
        return question.Answer.Task;
    }

    private async Task RegisterAsync(List<Question> batch)
    {
        try
        {
            var silo = _silo().Id;
            var holders = await _directory.RegisterAsync(silo, batch.ConvertAll(q => q.Grain), CancellationToken.None).ConfigureAwait(false)
                ?? throw new InvalidOperationException("this silo is no member of the cluster now.");
            for (var index = 0; index < batch.Count; index++)
                batch[index].Answer.TrySetResult(holders[index] == silo ? null : holders[index]);
        }
        catch (Exception failure)
        {
            Fail(batch, "registered", failure);
        }
    }

    private async Task UnregisterAsync(List<Question> batch)
    {
        try
        {
            await _directory.UnregisterAsync(_silo().Id, batch.ConvertAll(q => q.Grain), CancellationToken.None).ConfigureAwait(false);
            foreach (var question in batch)
                question.Answer.TrySetResult(null);
        }
        catch (Exception failure)
        {
            Fail(batch, "unregistered", failure);
        }
    }

    private async Task LookupAsync(List<GrainId> batch)
    {
        IReadOnlyList<string?> holders = [];
        Exception? failure = null;
        try
        {
            holders = await _directory.LookupAsync(batch, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception thrown)
        {
            failure = thrown;
        }

        for (var index = 0; index < batch.Count; index++)
        {
            List<Call> line;
            lock (_gate)
            {
                _lines.Remove(batch[index], out line!);
                _waiting -= line.Count;
            }

            foreach (var call in line)
                _located(call, failure is null ? holders[index] : null, failure);
        }
    }

    private static void Fail(List<Question> batch, string what, Exception failure)
    {
        foreach (var question in batch)
        {
            question.Answer.TrySetException(new GristmillException(
                GristmillErrorKind.Unavailable, $"{question.Grain} could not be {what} in the grain directory, and no call ran: {failure.Message}"));
        }
    }

    private sealed class Question(GrainId grain)
    {
        public GrainId Grain => grain;

        public TaskCompletionSource<string?> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

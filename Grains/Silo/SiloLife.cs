namespace Gristmill.Grains.Silo;

/// <summary>Where a silo's life stands. It moves on only: running, draining, stopping.</summary>
public sealed class SiloLife
{
    private readonly CancellationTokenSource _draining = new();
    private volatile bool _stopping;

    /// <summary>Cancelled when the silo begins to drain: it takes nothing more, finishes what runs, and then ends.</summary>
    public CancellationToken Draining => _draining.Token;

    /// <summary>running, draining or stopping.</summary>
    public string State => _stopping ? "stopping" : _draining.IsCancellationRequested ? "draining" : "running";

    /// <summary>Whether it takes work.</summary>
    public bool TakesWork => !_stopping && !_draining.IsCancellationRequested;

    /// <summary>Begins to drain. From any thread; once is enough.</summary>
    public void Drain() => _draining.Cancel();

    /// <summary>Begins to stop: what runs has a limit now.</summary>
    public void Stop() => _stopping = true;
}

using System.Diagnostics.CodeAnalysis;

namespace Gristmill.Engine;

/// <summary>Something an activation does as turns of its own: a call, or a tick of a timer.</summary>
internal abstract class MailboxItem
{
    /// <summary>Whether it may begin while anything else of the activation waits.</summary>
    public abstract bool Interleaves { get; }

    /// <summary>Whether it may begin while other such items wait.</summary>
    public abstract bool ReadOnly { get; }

    /// <summary>Whether it keeps the activation from being idle.</summary>
    public abstract bool CountsAsUse { get; }

    /// <summary>Runs it to its end. Throws nothing.</summary>
    public abstract Task RunAsync(Activation activation);
}

/// <summary>
/// What waits to run on an activation, and the rules of what may begin now. Not safe for threads: the activation's
/// lock guards it.
/// </summary>
/// <remarks>
/// Exclusive items run alone among themselves, in the order of arrival. Read-only ones run together. Interleaving ones
/// (by attribute, or all in a reentrant class) begin whenever the activation takes a turn, and hold nobody up. A
/// read-only item never overtakes an exclusive one that waits, so a stream of readers cannot starve a writer.
/// </remarks>
internal sealed class Mailbox(bool reentrant)
{
    private readonly Queue<MailboxItem> _ordered = new();
    private Queue<MailboxItem>? _interleaving;
    private int _exclusiveRunning;
    private int _readersRunning;

    /// <summary>How many items wait.</summary>
    public int Waiting => _ordered.Count + (_interleaving?.Count ?? 0);

    /// <summary>How many items have begun and not ended.</summary>
    public int Running { get; private set; }

    public bool IsIdle => Running == 0 && Waiting == 0;

    public bool MayBegin => _interleaving is { Count: > 0 } || (_ordered.TryPeek(out var next) && MayBeginNow(next));

    public void Add(MailboxItem item)
    {
        if (reentrant || item.Interleaves)
            (_interleaving ??= new()).Enqueue(item);
        else
            _ordered.Enqueue(item);
    }

    /// <summary>Takes the next item that may begin, and counts it as running.</summary>
    public bool TryBegin([NotNullWhen(true)] out MailboxItem? item)
    {
        if (_interleaving is not null && _interleaving.TryDequeue(out item))
        {
            Running++;
            return true;
        }

        if (!_ordered.TryPeek(out item) || !MayBeginNow(item))
            return false;
        _ordered.Dequeue();
        Running++;
        if (item.ReadOnly)
            _readersRunning++;
        else
            _exclusiveRunning++;
        return true;
    }

    public void End(MailboxItem item)
    {
        Running--;
        if (reentrant || item.Interleaves)
            return;
        if (item.ReadOnly)
            _readersRunning--;
        else
            _exclusiveRunning--;
    }

    /// <summary>Takes all that waits, in the order of arrival as far as it has one.</summary>
    public List<MailboxItem> TakeAll()
    {
        var all = new List<MailboxItem>(Waiting);
        if (_interleaving is not null)
            all.AddRange(_interleaving);
        all.AddRange(_ordered);
        _interleaving?.Clear();
        _ordered.Clear();
        return all;
    }

    private bool MayBeginNow(MailboxItem item) => _exclusiveRunning == 0 && (_readersRunning == 0 || item.ReadOnly);
}

namespace Gristmill.Engine;

/// <summary>A stored value and its version.</summary>
public interface IStorage
{
    /// <summary>The version that was read or written last; null when there is no record.</summary>
    string? Etag { get; }

    /// <summary>Whether there is a record.</summary>
    bool RecordExists { get; }

    /// <summary>Removes the record.</summary>
    /// <exception cref="InconsistentStateException">Another writer changed it since it was read.</exception>
    Task ClearStateAsync();

    /// <summary>Writes the record.</summary>
    /// <exception cref="InconsistentStateException">Another writer changed it since it was read.</exception>
    Task WriteStateAsync();

    /// <summary>Reads the record, over what is in memory.</summary>
    Task ReadStateAsync();

    /// <inheritdoc cref="ClearStateAsync()"/>
    /// <param name="cancellationToken">Ends the wait; whether the record was removed is then unknown.</param>
    Task ClearStateAsync(CancellationToken cancellationToken);

    /// <inheritdoc cref="WriteStateAsync()"/>
    /// <param name="cancellationToken">Ends the wait; whether the record was written is then unknown.</param>
    Task WriteStateAsync(CancellationToken cancellationToken);

    /// <inheritdoc cref="ReadStateAsync()"/>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task ReadStateAsync(CancellationToken cancellationToken);
}

/// <summary>A stored value of a type and its version.</summary>
public interface IStorage<TState> : IStorage
{
    /// <summary>The value in memory; written only by <see cref="IStorage.WriteStateAsync()"/>.</summary>
    TState State { get; set; }
}

/// <summary>A state of a grain: a constructor parameter with <see cref="PersistentStateAttribute"/>. It is read before the grain is activated.</summary>
public interface IPersistentState<TState> : IStorage<TState>;

/// <summary>Names the state that a constructor parameter of type <see cref="IPersistentState{TState}"/> stands for.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public class PersistentStateAttribute : Attribute
{
    /// <summary>Names the state.</summary>
    /// <param name="stateName">The state's name, unique within the grain.</param>
    /// <param name="storageName">The name of the store it is kept in; null for the default one.</param>
    public PersistentStateAttribute(string stateName, string? storageName = null)
    {
        ArgumentNullException.ThrowIfNull(stateName);
        StateName = stateName;
        StorageName = storageName;
    }

    /// <summary>The state's name.</summary>
    public string StateName { get; }

    /// <summary>The name of the store.</summary>
    public string? StorageName { get; }
}

/// <summary>Another writer changed the record since it was read. When it leaves a call, the activation ends.</summary>
public class InconsistentStateException : Exception
{
    /// <summary>Creates an exception without versions.</summary>
    public InconsistentStateException()
    {
    }

    /// <summary>Creates an exception without versions.</summary>
    /// <param name="message">For people.</param>
    public InconsistentStateException(string message)
        : base(message)
    {
    }

    /// <summary>Creates an exception without versions.</summary>
    /// <param name="message">For people.</param>
    /// <param name="innerException">What was thrown.</param>
    public InconsistentStateException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Creates an exception with both versions.</summary>
    /// <param name="errorMsg">For people.</param>
    /// <param name="storedEtag">The version in the store.</param>
    /// <param name="currentEtag">The version that the writer had read.</param>
    public InconsistentStateException(string errorMsg, string? storedEtag, string? currentEtag)
        : base(errorMsg)
    {
        StoredEtag = storedEtag;
        CurrentEtag = currentEtag;
    }

    /// <summary>The version in the store; null for no record.</summary>
    public string? StoredEtag { get; }

    /// <summary>The version that the writer had read; null for no record.</summary>
    public string? CurrentEtag { get; }
}

namespace Gristmill.Engine;

/// <summary>Gives references to grains. A reference costs nothing and calls nothing until a method is called on it.</summary>
public interface IGrainFactory
{
    /// <summary>Gives a reference to the grain of this interface and key.</summary>
    /// <typeparam name="TGrainInterface">The grain's interface.</typeparam>
    /// <param name="primaryKey">The grain's key: 1 to 1,024 characters.</param>
    /// <param name="grainClassNamePrefix">The start of the class's full name, where several classes implement the interface.</param>
    /// <exception cref="ArgumentException">The interface is unknown or not implemented by exactly one class, or the key is out of bounds.</exception>
    TGrainInterface GetGrain<TGrainInterface>(string primaryKey, string? grainClassNamePrefix = null)
        where TGrainInterface : IGrainWithStringKey;
}

namespace Gristmill.Silo.EmbeddedStore;

/// <summary>The embedded store cannot be had; the message says why and what to do, and is meant for people.</summary>
internal sealed class EmbeddedStoreException(string message, Exception? inner = null) : Exception(message, inner);

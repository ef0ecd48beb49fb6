using Gristmill.Store;

namespace Gristmill.Silo.Tests.Faults.Support;

/// <summary>An item that a test pushes, and what must become of it.</summary>
/// <param name="Key">What the test calls it; stands in the payload.</param>
/// <param name="Payload">The bytes.</param>
/// <param name="Outcome">Completed or Dead.</param>
/// <param name="Reason">With Dead: why.</param>
/// <param name="Attempts">Attempts that are charged in the end.</param>
/// <param name="Id">The explicit id; null for none.</param>
internal sealed record FaultItem(string Key, byte[] Payload, JobState Outcome = JobState.Completed, string? Reason = null, int Attempts = 1, string? Id = null);

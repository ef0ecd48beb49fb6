using Microsoft.Extensions.Logging;

namespace Gristmill.Simulation.Tests.World;

/// <summary>Puts what the code under test logs among what happened.</summary>
internal sealed class TraceLog(SimWorld world) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        world.Note($"log {eventId.Id}: {formatter(state, exception)}");
}

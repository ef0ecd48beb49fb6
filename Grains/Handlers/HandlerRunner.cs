using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Handlers;

/// <summary>
/// Runs attempts by a handler of this process. The way of an attempt: context → (scope and instance, if scoped) →
/// <see cref="HandlerInvoker"/> reads the payload, calls the handler, and turns what comes back into an outcome.
/// </summary>
internal sealed class HandlerRunner(
    HandlerRegistration registration, HandlerInvoker invoker, IServiceProvider services, ILoggerFactory loggers) : IJobRunner
{
    private readonly ILogger _logger = loggers.CreateLogger(registration.HandlerType.FullName ?? registration.Name);
    private readonly IServiceScopeFactory _scopes = services.GetRequiredService<IServiceScopeFactory>();
    private object? _singleton;
    private bool _singletonIsOurs;

    public int? Concurrency => null;

    public Action? RoomChanged { get; set; }

    /// <summary>The one instance, where there is one; null before the start.</summary>
    internal object? Singleton => _singleton;

    public string Describe() =>
        $"handler '{registration.Name}' ({registration.HandlerType.FullName}, {registration.Lifetime.ToString().ToLowerInvariant()})";

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (registration.Lifetime == ServiceLifetime.Singleton)
            {
                _singleton = services.GetService(registration.HandlerType);
                _singletonIsOurs = _singleton is null;
                _singleton ??= ActivatorUtilities.CreateInstance(services, registration.HandlerType);
                return;
            }

            // One is made and dropped, so that a missing dependency shows now and not with the first job.
            await using var scope = _scopes.CreateAsyncScope();
            var (handler, ours) = Resolve(scope.ServiceProvider);
            await DisposeAsync(ours ? handler : null).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            throw new RunnerStartException($"The {Describe()} cannot be created: {error.Message}{Hint(error)}", error);
        }
    }

    public ValueTask<AttemptResult> RunAsync(
        JobAttempt attempt, IProgressSink progress, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return new(AttemptResult.Cancelled.Instance);
        }

        var context = new JobContext(attempt, progress, _logger);
        return _singleton is { } handler
            ? invoker.InvokeAsync(handler, context, cancellationToken)
            : RunScopedAsync(context, cancellationToken);
    }

    // The container says so in words alone.
    private static string Hint(Exception error) => error is InvalidOperationException && error.Message.Contains("resolve service", StringComparison.Ordinal)
        ? $" Register it in a class that implements {nameof(IHandlerServices)}, in the same assembly, and start the silo again."
        : string.Empty;

    public ValueTask DisposeAsync() => DisposeAsync(_singletonIsOurs ? _singleton : null);

    private async ValueTask<AttemptResult> RunScopedAsync(JobContext context, CancellationToken cancellationToken)
    {
        try
        {
            await using var scope = _scopes.CreateAsyncScope();
            var (handler, ours) = Resolve(scope.ServiceProvider);
            try
            {
                return await invoker.InvokeAsync(handler, context, cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                await DisposeAsync(ours ? handler : null).ConfigureAwait(false);
            }
        }
        catch (Exception error)
        {
            // The handler's own exceptions are outcomes already: this one came from creating or disposing it.
            return ExceptionOutcome.Of(error, cancellationToken);
        }
    }

    /// <summary>Handlers of configured assemblies are unknown to the container, which then only fills their constructor.</summary>
    private (object Handler, bool Ours) Resolve(IServiceProvider scope) =>
        scope.GetService(registration.HandlerType) is { } known
            ? (known, false)
            : (ActivatorUtilities.CreateInstance(scope, registration.HandlerType), true);

    private static ValueTask DisposeAsync(object? handler)
    {
        if (handler is IAsyncDisposable asyncDisposable)
        {
            return asyncDisposable.DisposeAsync();
        }

        (handler as IDisposable)?.Dispose();
        return ValueTask.CompletedTask;
    }
}

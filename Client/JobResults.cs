using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Gristmill.Client;

/// <summary>Waiting for the result itself, where the outcome is of interest only if there is none.</summary>
public static class JobResults
{
    /// <summary>Waits until a job has completed, and gives its result; default when it completed without one.</summary>
    /// <typeparam name="T">The result's type.</typeparam>
    /// <param name="queue">The queue.</param>
    /// <param name="id">The job's id.</param>
    /// <param name="type">How to read it.</param>
    /// <param name="cancellationToken">Ends the wait, not the job.</param>
    /// <exception cref="JobNotCompletedException">It is dead or cancelled; the message says why.</exception>
    /// <exception cref="JsonException">The result is not of this type.</exception>
    /// <exception cref="JobNotFoundException">There is no such job, or no longer.</exception>
    public static async Task<T?> WaitResultAsync<T>(this IQueueClient queue, string id, JsonTypeInfo<T> type, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(queue);
        return (await queue.WaitAsync(id, cancellationToken).ConfigureAwait(false)).GetResult(type);
    }

    /// <summary>As the other overload, read as <see cref="JsonSerializerOptions.Web"/> says.</summary>
    /// <typeparam name="T">The result's type.</typeparam>
    /// <param name="queue">The queue.</param>
    /// <param name="id">The job's id.</param>
    /// <param name="cancellationToken">Ends the wait, not the job.</param>
    [RequiresUnreferencedCode(Reflection.Message), RequiresDynamicCode(Reflection.Message)]
    public static async Task<T?> WaitResultAsync<T>(this IQueueClient queue, string id, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(queue);
        return (await queue.WaitAsync(id, cancellationToken).ConfigureAwait(false)).GetResult<T>();
    }

    /// <summary>Waits until a job has completed, and gives its result; default when it completed without one.</summary>
    /// <typeparam name="T">The result's type.</typeparam>
    /// <param name="job">The job.</param>
    /// <param name="type">How to read it.</param>
    /// <param name="cancellationToken">Ends the wait, not the job.</param>
    /// <exception cref="JobNotCompletedException">It is dead or cancelled; the message says why.</exception>
    /// <exception cref="JsonException">The result is not of this type.</exception>
    public static async Task<T?> WaitResultAsync<T>(this JobHandle job, JsonTypeInfo<T> type, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(job);
        return (await job.WaitAsync(cancellationToken).ConfigureAwait(false)).GetResult(type);
    }

    /// <summary>As the other overload, read as <see cref="JsonSerializerOptions.Web"/> says.</summary>
    /// <typeparam name="T">The result's type.</typeparam>
    /// <param name="job">The job.</param>
    /// <param name="cancellationToken">Ends the wait, not the job.</param>
    [RequiresUnreferencedCode(Reflection.Message), RequiresDynamicCode(Reflection.Message)]
    public static async Task<T?> WaitResultAsync<T>(this JobHandle job, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(job);
        return (await job.WaitAsync(cancellationToken).ConfigureAwait(false)).GetResult<T>();
    }
}

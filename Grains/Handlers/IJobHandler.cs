namespace Gristmill.Grains.Handlers;

/// <summary>
/// Does the work of one job in C#. Register it with <c>services.AddJobHandler&lt;THandler&gt;("name")</c>, or put
/// <see cref="JobHandlerAttribute"/> on it in an assembly of <c>HandlerAssemblies</c>, and name it in the configuration of a queue.
/// </summary>
/// <typeparam name="TPayload">
/// What the payload is read as: any type that System.Text.Json reads (camelCase, web defaults), or
/// <see cref="string"/> for the raw text, or <c>byte[]</c> or <c>ReadOnlyMemory&lt;byte&gt;</c> for the raw bytes.
/// </typeparam>
/// <typeparam name="TResult">What is stored as the job's result, written as JSON; null means no result.</typeparam>
public interface IJobHandler<in TPayload, TResult>
{
    /// <summary>
    /// Runs one attempt. Returning completes the job; throwing fails the attempt (see
    /// <see cref="JobFailedException"/> for saying how). Execution is at least once: guard side effects with
    /// <see cref="JobContext.IdempotencyKey"/> or <see cref="JobContext.FencingToken"/>.
    /// </summary>
    /// <param name="payload">The payload, never null unless <typeparamref name="TPayload"/> is a JsonNode.</param>
    /// <param name="context">What is known of the job, its logger and its progress.</param>
    /// <param name="cancellationToken">
    /// Cancelled when the job is cancelled, its timeout has passed, its lease is lost or the silo stops. The job keeps
    /// its slot until the returned task has ended.
    /// </param>
    Task<TResult> HandleAsync(TPayload payload, JobContext context, CancellationToken cancellationToken);
}

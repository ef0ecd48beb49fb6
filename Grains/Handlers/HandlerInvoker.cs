using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Gristmill.Grains.Handlers;

/// <summary>
/// Calls one handler with types known: read the payload, call, write the result. The one place where a handler's
/// exceptions become outcomes. A handler that ends at once costs no state machine.
/// </summary>
internal abstract class HandlerInvoker
{
    public abstract ValueTask<AttemptResult> InvokeAsync(
        object handler, JobContext context, CancellationToken cancellationToken);

    public static HandlerInvoker Create(Type handlerType, HandlerOptions options)
    {
        var (payload, result) = HandlerRegistration.PayloadAndResult(handlerType);
        options.SerializerOptions.MakeReadOnly(populateMissingResolver: true);
        return (HandlerInvoker)Activator.CreateInstance(
            typeof(HandlerInvoker<,>).MakeGenericType(payload, result), options.SerializerOptions, options.MaxResultBytes)!;
    }
}

/// <inheritdoc/>
internal sealed class HandlerInvoker<TPayload, TResult>(JsonSerializerOptions json, int maxResultBytes) : HandlerInvoker
{
    private readonly PayloadReader<TPayload> _payloads = new(json);
    private readonly ResultWriter<TResult> _results =
        new((JsonTypeInfo<TResult>)json.GetTypeInfo(typeof(TResult)), maxResultBytes);

    public override ValueTask<AttemptResult> InvokeAsync(
        object handler, JobContext context, CancellationToken cancellationToken)
    {
        TPayload payload;
        try
        {
            payload = _payloads.Read(context.Payload);
        }
        catch (Exception error)
        {
            return new(ExceptionOutcome.OfPayload(error, typeof(TPayload)));
        }

        Task<TResult> work;
        try
        {
            work = ((IJobHandler<TPayload, TResult>)handler).HandleAsync(payload, context, cancellationToken);
        }
        catch (Exception error)
        {
            return new(ExceptionOutcome.Of(error, cancellationToken));
        }

        return work is { IsCompletedSuccessfully: true } ? new(_results.Write(work.Result)) : FinishAsync(work, cancellationToken);
    }

    private async ValueTask<AttemptResult> FinishAsync(Task<TResult> work, CancellationToken cancellationToken)
    {
        TResult result;
        try
        {
            result = await work.ConfigureAwait(false);
        }
        catch (Exception error)
        {
            return ExceptionOutcome.Of(error, cancellationToken);
        }

        return _results.Write(result);
    }
}

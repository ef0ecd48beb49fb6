using System.Diagnostics;

namespace Gristmill.Engine;

// How a call runs on its activation: deadline, context, span, filters, method, answer.
internal sealed partial class Activation
{
    public async Task RunCallAsync(Call call)
    {
        if (call.Deadline <= Engine.Time.GetTimestamp())
        {
            Engine.Catalog.Refuse(call, Outcome.Unavailable($"{call.Method} on {Id} did not begin before its deadline."));
            return;
        }

        if (call.Context is not null)
            RequestContext.Values = call.Context;
        using var span = EngineTelemetry.Source.HasListeners()
            ? EngineTelemetry.StartCall(call, Engine.Silo)
            : null;
        Outcome outcome;
        try
        {
            outcome = Outcome.Of(await InvokeAsync(call));
        }
        catch (Exception thrown)
        {
            outcome = Outcome.Failed(thrown);
            span?.SetStatus(ActivityStatusCode.Error, thrown.Message);
            if (call.ReplyTo is null)
                Engine.Log.OneWayCallFailed(thrown, call.Method.Name, Id);
            else
                Engine.Log.CallFailed(thrown, call.Method.Name, Id);
        }

        call.Reply(outcome);
    }

    /// <summary>Invokes the grain's method. A write that lost against another writer ends the activation: its memory is stale.</summary>
    public async Task<object?> InvokeMethodAsync(Call call)
    {
        try
        {
            var task = call.Method.Invoke(Instance, call.Arguments)
                ?? throw new InvalidOperationException($"{call.Method} of {Class.Type} returned null in place of a task.");
            await task;
            return call.Method.Result.Take(task);
        }
        catch (InconsistentStateException stale)
        {
            Deactivate(new(DeactivationReasonCode.ApplicationError, stale, $"The state of {Id} was changed by another writer."));
            throw;
        }
    }

    private async Task<object?> InvokeAsync(Call call)
    {
        if (Engine.Filters.Length == 0 && _instance is not IIncomingGrainCallFilter)
            return await InvokeMethodAsync(call);
        var context = new IncomingCallContext(this, call, Engine.Filters);
        await context.Invoke();
        return call.Method.Result.Accepts(context.Result)
            ? context.Result
            : throw new InvalidOperationException($"A filter left {context.Result?.GetType().FullName ?? "nothing"} as the result of {call.Method}.");
    }
}

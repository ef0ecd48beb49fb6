using System.Diagnostics;

namespace Gristmill.Engine;

/// <summary>
/// The caller's side of every call: notes the deadline, takes along the context, hands the call to the router, and
/// gives the caller the task it waits for. With <see cref="GrainEngineOptions.SerializeLocalCalls"/>
/// the call and its answer take the form they would have between silos.
/// </summary>
internal sealed class CallSender(
    GrainEngineOptions options, Router router, OutstandingCalls outstanding, CallCodec codec, TimeProvider time)
{
    public Task Send(GrainId target, GrainMethod method, object?[] arguments)
    {
        var timeout = method.Timeout ?? options.ResponseTimeout;
        var deadline = time.GetTimestamp() + (long)(timeout.TotalSeconds * time.TimestampFrequency);
        if (method.OneWay)
            return SendOneWay(target, method, arguments, deadline);
        var token = TakeToken(method, arguments);
        var pending = method.Result.NewPending(target, method, timeout, deadline);
        outstanding.Add(pending);
        try
        {
            var call = Prepare(target, method, arguments, deadline, pending);
            if (token.CanBeCanceled)
                pending.EndOn(token, call.MakeCancellable());
            if (!pending.HasEnded)
                router.Send(call);
        }
        catch (Exception refused) when (refused is GristmillException or NotSupportedException)
        {
            pending.Reply(Outcome.Failed(refused));
        }

        return pending.Task;
    }

    private Task SendOneWay(GrainId target, GrainMethod method, object?[] arguments, long deadline)
    {
        try
        {
            TakeToken(method, arguments);
            router.Send(Prepare(target, method, arguments, deadline, replyTo: null));
            return Task.CompletedTask;
        }
        catch (Exception refused) when (refused is GristmillException or NotSupportedException)
        {
            return Task.FromException(Outcome.Failed(refused).Error!);
        }
    }

    // The caller's token stays here: the callee gets one of its own.
    private static CancellationToken TakeToken(GrainMethod method, object?[] arguments)
    {
        if (method.TokenIndex < 0)
            return CancellationToken.None;
        var token = (CancellationToken)arguments[method.TokenIndex]!;
        arguments[method.TokenIndex] = null;
        return token;
    }

    private Call Prepare(GrainId target, GrainMethod method, object?[] arguments, long deadline, IReplyTo? replyTo)
    {
        var call = new Call(target, method, arguments, deadline)
        {
            Context = RequestContext.Values,
            Parent = Activity.Current?.Context ?? default,
            ReplyTo = replyTo,
        };
        if (!options.SerializeLocalCalls)
            return call;
        return codec.Decode(codec.Encode(call), replyTo is null ? null : new SerializedReply(codec, method, replyTo));
    }
}

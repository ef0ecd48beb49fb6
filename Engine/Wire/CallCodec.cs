using System.Collections.Immutable;
using System.Diagnostics;
using System.Text.Json;

namespace Gristmill.Engine;

/// <summary>A call as bytes: grain, method and arguments by the names and numbers they have on the wire.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.Call")]
internal sealed record CallMessage(
    [property: Id(0)] string GrainType,
    [property: Id(1)] string Key,
    [property: Id(2)] string Interface,
    [property: Id(3)] string Method,
    [property: Id(4)] JsonElement[] Arguments,
    [property: Id(5)] double SecondsLeft,
    [property: Id(6)] Dictionary<string, ContextValue>? Context,
    [property: Id(7)] string? TraceParent,
    [property: Id(8)] string? TraceState);

/// <summary>The outcome of a call as bytes.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.Reply")]
internal sealed record ReplyMessage(
    [property: Id(0)] JsonElement? Value,
    [property: Id(1)] GristmillErrorKind ErrorKind,
    [property: Id(2)] string? ErrorType,
    [property: Id(3)] string? ErrorMessage,
    [property: Id(4)] bool Cancelled);

/// <summary>Turns calls and outcomes into bytes and back.</summary>
internal sealed class CallCodec(GrainManifest manifest, WireSerializer serializer, TimeProvider time)
{
    private static readonly JsonElement Null = JsonElement.Parse("null");

    public byte[] Encode(Call call) => serializer.Write(ToMessage(call));

    /// <summary>Reads a call.</summary>
    /// <exception cref="GristmillException">The bytes are not a call, or name what this silo does not know.</exception>
    public Call Decode(ReadOnlySpan<byte> bytes, IReplyTo? replyTo)
    {
        var message = serializer.Read<CallMessage>(bytes);
        return FromMessage(message, MethodOf(message), replyTo);
    }

    public CallMessage ToMessage(Call call)
    {
        var method = call.Method;
        var arguments = new JsonElement[method.ParameterTypes.Length];
        for (var index = 0; index < arguments.Length; index++)
        {
            arguments[index] = index == method.TokenIndex
                ? Null
                : JsonSerializer.SerializeToElement(call.Arguments[index], method.ParameterTypes[index], WireSerializer.Json);
        }

        return new CallMessage(
            call.Target.Type, call.Target.Key, method.Owner.Alias, method.Alias, arguments,
            (call.Deadline - time.GetTimestamp()) / (double)time.TimestampFrequency,
            call.Context?.ToDictionary(entry => entry.Key, entry => ContextValue.From(entry.Value)),
            call.Parent == default ? null : $"00-{call.Parent.TraceId}-{call.Parent.SpanId}-{(byte)call.Parent.TraceFlags:x2}",
            call.Parent.TraceState);
    }

    /// <summary>The method that a call names.</summary>
    /// <exception cref="GristmillException">The message is not a call, or names what this silo does not know.</exception>
    public GrainMethod MethodOf(CallMessage message)
    {
        if (message is not { GrainType: not null, Key: { Length: > 0 and <= GrainId.MaxKeyLength }, Interface: not null, Method: not null, Arguments: not null })
            throw new GristmillException(GristmillErrorKind.Invalid, "A call that was received names no grain, key or method, or has no arguments.");
        var method = manifest.Method(message.Interface, message.Method);
        if (!manifest.Class(message.GrainType).Type.IsAssignableTo(method.Owner.Type))
            throw new GristmillException(GristmillErrorKind.Invalid, $"The grain class '{message.GrainType}' does not implement '{message.Interface}'.");
        return method;
    }

    public Call FromMessage(CallMessage message, GrainMethod method, IReplyTo? replyTo)
    {
        ActivityContext.TryParse(message.TraceParent, message.TraceState, isRemote: true, out var parent);
        var ticksLeft = Math.Clamp(message.SecondsLeft, 0, int.MaxValue) * time.TimestampFrequency;
        return new Call(new(message.GrainType, message.Key), method, ArgumentsOf(method, message.Arguments), time.GetTimestamp() + (long)ticksLeft)
        {
            Context = ContextOf(message),
            Parent = parent,
            ReplyTo = replyTo,
        };
    }

    public byte[] EncodeOutcome(GrainMethod method, in Outcome outcome) => serializer.Write(ToMessage(method, outcome));

    public static ReplyMessage ToMessage(GrainMethod method, in Outcome outcome) => outcome.Error switch
    {
        null => new ReplyMessage(
            method.Result.ValueType is { } type ? JsonSerializer.SerializeToElement(outcome.Value, type, WireSerializer.Json) : null,
            default, null, null, false),
        GristmillException error => new ReplyMessage(null, error.Kind, error.TypeName, error.Message, false),
        OperationCanceledException cancelled => new ReplyMessage(null, default, null, cancelled.Message, true),
        var other => new ReplyMessage(null, GristmillErrorKind.Failed, other.GetType().FullName, other.Message, false),
    };

    /// <summary>Reads the outcome of a call of a method. Bytes that are none are an outcome too.</summary>
    public Outcome DecodeOutcome(GrainMethod method, ReadOnlySpan<byte> bytes)
    {
        try
        {
            return FromMessage(method, serializer.Read<ReplyMessage>(bytes));
        }
        catch (GristmillException malformed)
        {
            return new(null, malformed);
        }
    }

    /// <summary>The outcome that a reply says. One whose value is not of the method's type is an outcome too.</summary>
    public static Outcome FromMessage(GrainMethod method, ReplyMessage reply)
    {
        try
        {
            if (reply.Cancelled)
                return new(null, new OperationCanceledException(reply.ErrorMessage));
            if (reply.ErrorType is not null)
                return new(null, new GristmillException(KnownOrFailed(reply.ErrorKind), reply.ErrorMessage ?? "", reply.ErrorType));
            return Outcome.Of(method.Result.ValueType is { } type ? WireSerializer.ReadPart(reply.Value ?? Null, type) : null);
        }
        catch (GristmillException malformed)
        {
            return new(null, malformed);
        }
    }

    private static GristmillErrorKind KnownOrFailed(GristmillErrorKind kind) => Enum.IsDefined(kind) ? kind : GristmillErrorKind.Failed;

    // A caller of another version may send fewer arguments, or more: the missing get their defaults, the rest is skipped.
    private static object?[] ArgumentsOf(GrainMethod method, JsonElement[] sent)
    {
        var arguments = new object?[method.ParameterTypes.Length];
        for (var index = 0; index < arguments.Length && index < sent.Length; index++)
        {
            if (index != method.TokenIndex)
                arguments[index] = WireSerializer.ReadPart(sent[index], method.ParameterTypes[index]);
        }

        return arguments;
    }

    private static ImmutableDictionary<string, object>? ContextOf(CallMessage message)
    {
        if (message.Context is not { Count: > 0 and <= RequestContext.MaxEntries } entries)
            return null;
        try
        {
            return entries
                .Select(entry => KeyValuePair.Create(entry.Key, entry.Value?.Value))
                .Where(entry => entry.Value is not null)
                .ToImmutableDictionary(entry => entry.Key, entry => entry.Value!);
        }
        catch (Exception malformed) when (WireSerializer.IsMalformed(malformed))
        {
            throw new GristmillException(GristmillErrorKind.Invalid, $"The request context that was received is malformed: {malformed.Message}");
        }
    }
}

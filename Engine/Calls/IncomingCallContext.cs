using System.Reflection;

namespace Gristmill.Engine;

/// <summary>One call on its way through the filters to the grain's method. Each <see cref="Invoke"/> takes one step.</summary>
internal sealed class IncomingCallContext(Activation activation, Call call, IIncomingGrainCallFilter[] filters) : IIncomingGrainCallContext
{
    private int _next;

    public object Grain => activation.Instance;

    public MethodInfo InterfaceMethod => call.Method.Method;

    public object? Result { get; set; }

    public Task Invoke()
    {
        var step = _next++;
        if (step < filters.Length)
            return filters[step].Invoke(this);
        if (step == filters.Length && Grain is IIncomingGrainCallFilter last)
            return last.Invoke(this);
        return InvokeMethodAsync();
    }

    private async Task InvokeMethodAsync() => Result = await activation.InvokeMethodAsync(call);
}

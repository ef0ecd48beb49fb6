namespace Gristmill.Engine;

/// <summary>What depends on a method's result type: the caller's task, and taking the value out of the callee's.</summary>
internal abstract class MethodResult
{
    /// <summary>The type of the value; null for a method that has none.</summary>
    public abstract Type? ValueType { get; }

    public abstract PendingCall NewPending(GrainId target, GrainMethod method, TimeSpan timeout, long deadline);

    /// <summary>The value of a task that has completed with success.</summary>
    public abstract object? Take(Task completed);

    /// <summary>Whether a filter may put this in the place of the method's value.</summary>
    public abstract bool Accepts(object? value);

    public static MethodResult For(Type returnType) => returnType == typeof(Task)
        ? NoValue.Instance
        : (MethodResult)Activator.CreateInstance(typeof(Value<>).MakeGenericType(returnType.GetGenericArguments()[0]))!;

    private sealed class NoValue : MethodResult
    {
        public static readonly NoValue Instance = new();

        public override Type? ValueType => null;

        public override PendingCall NewPending(GrainId target, GrainMethod method, TimeSpan timeout, long deadline) =>
            new PendingCall<object?>(target, method, timeout, deadline);

        public override object? Take(Task completed) => null;

        public override bool Accepts(object? value) => value is null;
    }

    private sealed class Value<T> : MethodResult
    {
        public override Type ValueType => typeof(T);

        public override PendingCall NewPending(GrainId target, GrainMethod method, TimeSpan timeout, long deadline) =>
            new PendingCall<T>(target, method, timeout, deadline);

        public override object? Take(Task completed) => ((Task<T>)completed).Result;

        public override bool Accepts(object? value) => value is T || (value is null && default(T) is null);
    }
}

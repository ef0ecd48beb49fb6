using System.Linq.Expressions;
using System.Reflection;

namespace Gristmill.Engine;

/// <summary>A method of a grain interface: its name on the wire, how it interleaves, and how it is invoked.</summary>
internal sealed class GrainMethod
{
    private readonly Func<object, object?[], Task> _invoke;

    public GrainMethod(GrainInterface owner, MethodInfo method)
    {
        Owner = owner;
        Method = method;
        Alias = method.GetCustomAttribute<AliasAttribute>()!.Alias;
        ParameterTypes = [.. method.GetParameters().Select(p => p.ParameterType)];
        TokenIndex = Array.IndexOf(ParameterTypes, typeof(CancellationToken));
        AlwaysInterleave = method.IsDefined(typeof(AlwaysInterleaveAttribute));
        ReadOnly = method.IsDefined(typeof(ReadOnlyAttribute));
        OneWay = method.IsDefined(typeof(OneWayAttribute));
        Timeout = method.GetCustomAttribute<ResponseTimeoutAttribute>()?.Timeout;
        Result = MethodResult.For(method.ReturnType);
        Name = $"{owner.Alias}/{Alias}";
        _invoke = CompileInvoker(method);
    }

    public GrainInterface Owner { get; }

    public MethodInfo Method { get; }

    public string Alias { get; }

    /// <summary>The interface's and the method's alias: what logs and spans call it.</summary>
    public string Name { get; }

    public Type[] ParameterTypes { get; }

    /// <summary>Which parameter is the cancellation token; -1 for none.</summary>
    public int TokenIndex { get; }

    public bool AlwaysInterleave { get; }

    public bool ReadOnly { get; }

    public bool OneWay { get; }

    public TimeSpan? Timeout { get; }

    public MethodResult Result { get; }

    public Task Invoke(object grain, object?[] arguments) => _invoke(grain, arguments);

    public override string ToString() => Name;

    private static Func<object, object?[], Task> CompileInvoker(MethodInfo method)
    {
        var grain = Expression.Parameter(typeof(object), "grain");
        var arguments = Expression.Parameter(typeof(object?[]), "arguments");
        var values = method.GetParameters().Select((parameter, index) => Unbox(
            Expression.ArrayIndex(arguments, Expression.Constant(index)), parameter.ParameterType));
        var call = Expression.Call(Expression.Convert(grain, method.DeclaringType!), method, values);
        return Expression.Lambda<Func<object, object?[], Task>>(call, grain, arguments).Compile();
    }

    // A missing argument (an older caller) is null in the array and becomes the parameter type's default.
    private static Expression Unbox(Expression value, Type type) => type.IsValueType && Nullable.GetUnderlyingType(type) is null
        ? Expression.Condition(
            Expression.ReferenceEqual(value, Expression.Constant(null)), Expression.Default(type), Expression.Unbox(value, type))
        : Expression.Convert(value, type);
}

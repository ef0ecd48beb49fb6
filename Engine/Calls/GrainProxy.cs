using System.Reflection;

namespace Gristmill.Engine;

/// <summary>A reference to a grain: turns a method called on it into a call. Two references to one grain are equal.</summary>
internal class GrainProxy : DispatchProxy, IAddressable
{
    private CallSender _sender = null!;
    private GrainInterface _interface = null!;

    public GrainId Id { get; private set; }

    public static TGrainInterface Create<TGrainInterface>(CallSender sender, GrainInterface contract, GrainId id)
        where TGrainInterface : IGrainWithStringKey
    {
        var reference = Create<TGrainInterface, GrainProxy>();
        var proxy = (GrainProxy)(object)reference;
        proxy._sender = sender;
        proxy._interface = contract;
        proxy.Id = id;
        return reference;
    }

    protected override object Invoke(MethodInfo? targetMethod, object?[]? args) =>
        _sender.Send(Id, _interface.ByMethod[targetMethod!], args!);

    public override bool Equals(object? obj) => obj is GrainProxy other && other.Id == Id;

    public override int GetHashCode() => Id.GetHashCode();

    public override string ToString() => Id.ToString();
}

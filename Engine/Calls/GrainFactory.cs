namespace Gristmill.Engine;

internal sealed class GrainFactory(GrainManifest manifest, CallSender sender) : IGrainFactory
{
    public TGrainInterface GetGrain<TGrainInterface>(string primaryKey, string? grainClassNamePrefix = null)
        where TGrainInterface : IGrainWithStringKey
    {
        ArgumentException.ThrowIfNullOrEmpty(primaryKey);
        if (primaryKey.Length > GrainId.MaxKeyLength)
            throw new ArgumentException($"A grain key has at most {GrainId.MaxKeyLength} characters; this one has {primaryKey.Length}.", nameof(primaryKey));
        var contract = manifest.Interface(typeof(TGrainInterface));
        var id = new GrainId(contract.ClassFor(grainClassNamePrefix).Name, primaryKey);
        return GrainProxy.Create<TGrainInterface>(sender, contract, id);
    }
}

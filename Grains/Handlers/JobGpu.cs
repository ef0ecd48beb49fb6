namespace Gristmill.Grains.Handlers;

/// <summary>
/// The device that a C# handler was given, and how much of it. The silo sets no CUDA_VISIBLE_DEVICES for its own process, so
/// the handler itself must work on this device and keep to this memory.
/// </summary>
/// <param name="name">What people call it.</param>
/// <param name="id">What CUDA knows it by.</param>
/// <param name="type">The kind of device.</param>
/// <param name="memoryMiB">What is kept for this call.</param>
/// <param name="isAlone">Whether nothing else is on the device.</param>
/// <param name="used">Takes what the handler says that it uses; null drops it.</param>
public sealed class JobGpu(string name, string id, string type, int memoryMiB, bool isAlone = false, Action<long>? used = null)
{
    /// <summary>What people call it: gpu0, cpu, or as configured.</summary>
    public string Name => name;

    /// <summary>What CUDA_VISIBLE_DEVICES would say: a UUID or what <c>Device</c> is configured as; empty for the CPU and for made-up devices.</summary>
    public string Id => id;

    /// <summary>The kind of device, such as "NVIDIA A10".</summary>
    public string Type => type;

    /// <summary>The memory in MiB that is kept for this call, its model included.</summary>
    public int MemoryMiB => memoryMiB;

    /// <summary>Whether nothing else is on the device: the queue is Exclusive, or the job ran out of memory before.</summary>
    public bool IsAlone => isAlone;

    /// <summary>Says the most device memory that the handler has used for this call, model included; it corrects what the queue declares. Cheap.</summary>
    /// <param name="usedMiB">In MiB.</param>
    public void ReportUsed(long usedMiB) => used?.Invoke(usedMiB);
}

/// <summary>
/// A handler that keeps a model on its device between jobs, and can unload it. Such a handler is registered as Singleton.
/// One that does not implement this must leave nothing on the device when a call returns.
/// </summary>
public interface IGpuResident
{
    /// <summary>
    /// Unloads what the handler has on a device. Called when no call of it runs there and another queue needs the memory, or
    /// the device is put aside; the memory counts as free once this returns. Calls on other devices go on meanwhile.
    /// </summary>
    /// <param name="gpu">The device, as the last call there had it.</param>
    /// <param name="cancellationToken">Cancelled when the silo stops.</param>
    Task UnloadAsync(JobGpu gpu, CancellationToken cancellationToken);
}

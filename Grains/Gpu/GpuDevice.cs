namespace Gristmill.Grains.Gpu;

/// <summary>A device as the pool knows it.</summary>
/// <param name="Id">What it is told apart by: the UUID, or the configured name.</param>
/// <param name="Name">What people call it: gpu0, or the configured name.</param>
/// <param name="Type">The kind of device, such as "NVIDIA A10": what was observed of a model holds for one kind.</param>
/// <param name="Visible">What CUDA_VISIBLE_DEVICES says to its workers; empty for no device.</param>
/// <param name="MemoryMiB">Its memory in all.</param>
/// <param name="Slots">Jobs that run on it at once; 0 for as many as there are workers on it.</param>
internal sealed record GpuDevice(string Id, string Name, string Type, string Visible, int MemoryMiB, int Slots = 0);

/// <summary>What nvidia-smi says of a device now; null where it does not say.</summary>
/// <param name="UsedMiB">Memory in use, by anyone.</param>
/// <param name="UtilisationPercent">How busy it is.</param>
/// <param name="TemperatureCelsius">How hot it is.</param>
internal sealed record GpuReading(int? UsedMiB, int? UtilisationPercent, int? TemperatureCelsius);

/// <summary>What a queue asks of devices.</summary>
/// <param name="Queue">The queue.</param>
/// <param name="Model">The name under which its memory is observed.</param>
/// <param name="DeclaredMiB">Memory of one worker, as configured.</param>
/// <param name="Exclusive">Whether a worker has its device to itself.</param>
/// <param name="MaxPerDevice">Workers on one device; 0 for no limit.</param>
/// <param name="Priority">0 (first) to 9.</param>
internal sealed record GpuModel(string Queue, string Model, int DeclaredMiB, bool Exclusive = false, int MaxPerDevice = 0, int Priority = 5)
{
    public static GpuModel Of(string queue, GpuQueueOptions options) =>
        new(queue, options.Model ?? queue, options.MemoryMiB, options.Exclusive, options.MaxPerDevice, options.Priority);
}

/// <summary>Why no job of a queue can start now for want of a device.</summary>
internal enum GpuWait
{
    /// <summary>It can.</summary>
    None,

    /// <summary>All workers, or all slots of their devices, are taken by running jobs.</summary>
    NoSlot,

    /// <summary>No device has the memory; others' models hold it.</summary>
    Memory,

    /// <summary>A worker is loading its model.</summary>
    ModelLoading,

    /// <summary>The devices that could do it are put aside, since they failed.</summary>
    DevicePutAside,

    /// <summary>The silo knows of no device, or of none that is large enough.</summary>
    NoDevice,
}

/// <summary>The words for <see cref="GpuWait"/> in JSON and on screens.</summary>
internal static class GpuWaitWords
{
    /// <summary>no_slot, memory, model_loading, device_put_aside or no_device; null when nothing is waited for.</summary>
    public static string? Word(this GpuWait wait) => wait switch
    {
        GpuWait.NoSlot => "no_slot",
        GpuWait.Memory => "memory",
        GpuWait.ModelLoading => "model_loading",
        GpuWait.DevicePutAside => "device_put_aside",
        GpuWait.NoDevice => "no_device",
        _ => null,
    };
}

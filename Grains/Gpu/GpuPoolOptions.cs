namespace Gristmill.Grains.Gpu;

/// <summary>The devices of a silo and how they are shared. In configuration: <c>Gristmill:Gpus:…</c>. Times are seconds, memory is MiB.</summary>
public sealed class GpuPoolOptions
{
    /// <summary>
    /// The devices, at most 64: real ones, fractions of them, or made-up ones. Default none: what nvidia-smi lists, or one CPU
    /// device where there is no nvidia-smi.
    /// </summary>
    public List<GpuDeviceOptions> Devices { get; set; } = [];

    /// <summary>The program that lists the devices, by path or name. Default "nvidia-smi".</summary>
    public string NvidiaSmi { get; set; } = "nvidia-smi";

    /// <summary>How often nvidia-smi is asked, and what other silos saw of models, 0.1 to 3,600. Default 5.</summary>
    public double RefreshSeconds { get; set; } = 5;

    /// <summary>How long nvidia-smi may take before it is killed, 0.1 to 60. Default 5.</summary>
    public double TimeoutSeconds { get; set; } = 5;

    /// <summary>
    /// How long a queue that has jobs and no worker may be kept waiting before it takes the place of another that has had
    /// a worker for at least as long, 0.1 to 86,400. Default 30; many times what a model takes to load.
    /// </summary>
    public double TurnSeconds { get; set; } = 30;

    /// <summary>Errors of CUDA in a row after which a device is put aside, 1 to 1,000. Default 3.</summary>
    public int FailuresUntilAside { get; set; } = 3;

    /// <summary>How long a device is put aside at first, 0.1 to 86,400; twice as long each time that it comes to nothing. Default 30.</summary>
    public double AsideSeconds { get; set; } = 30;

    /// <summary>The longest time that a device is put aside for, AsideSeconds to 86,400. Default 1,800.</summary>
    public double MaxAsideSeconds { get; set; } = 1800;
}

/// <summary>One device, as configured.</summary>
public sealed class GpuDeviceOptions
{
    /// <summary>Its name, unique among the silo's: 1 to 64 characters.</summary>
    public string Name { get; set; } = string.Empty;

    /// <summary>Its memory in MiB, 1 to 16,777,216.</summary>
    public int MemoryMiB { get; set; }

    /// <summary>Jobs that run on it at once, of all queues, 0 to 10,000; 0 for as many as there are workers on it. Default 0.</summary>
    public int Slots { get; set; }

    /// <summary>
    /// The real device that this one is, or is a part of: what CUDA_VISIBLE_DEVICES shall say, an index or a UUID. Default
    /// none: a made-up device, with an empty CUDA_VISIBLE_DEVICES.
    /// </summary>
    public string Device { get; set; } = string.Empty;
}

/// <summary>What a queue needs of a device. In configuration: <c>Gristmill:Queues:{name}:Gpu:…</c>.</summary>
public sealed class GpuQueueOptions
{
    /// <summary>The model: what was observed of its memory is kept under this name. 1 to 128 characters. Default: the queue's name.</summary>
    public string? Model { get; set; }

    /// <summary>
    /// The device memory in MiB that one worker needs with its model and a job, or one call of a C# handler: 1 to 16,777,216.
    /// Required. Raised by itself to what workers were seen to use.
    /// </summary>
    public int MemoryMiB { get; set; }

    /// <summary>Whether each worker, or call of a C# handler, has a device to itself. Default false.</summary>
    public bool Exclusive { get; set; }

    /// <summary>Workers of the queue, or calls of its handler, on one device, 0 to 256; 0 for as many as its memory holds. Default 0.</summary>
    public int MaxPerDevice { get; set; }

    /// <summary>Who gets memory first among queues that wait less than TurnSeconds: 0 (first) to 9. Default 5.</summary>
    public int Priority { get; set; } = 5;
}

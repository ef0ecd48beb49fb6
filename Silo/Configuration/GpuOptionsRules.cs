using Gristmill.Grains.Gpu;
using Gristmill.Grains.Options;

namespace Gristmill.Silo.Configuration;

/// <summary>The bounds of <see cref="GpuPoolOptions"/> and <see cref="GpuQueueOptions"/>, as documented there.</summary>
internal static class GpuOptionsRules
{
    private const int MostDevices = 64;
    private const int MostMiB = 16_777_216;

    public static void Check(GpuPoolOptions options, OptionProblems found)
    {
        if (options.Devices.Count > MostDevices) found.AddMessage("Devices", $"are {options.Devices.Count}; it must be at most {MostDevices}.");
        for (var i = 0; i < options.Devices.Count; i++)
        {
            var (device, under) = (options.Devices[i], found.Under($"Devices:{i}"));
            if (device.Name.Length is 0 or > 64) under.Add("Name", device.Name, "1 to 64 characters");
            else if (options.Devices.FindIndex(d => d.Name == device.Name) < i) under.Add("Name", device.Name, "the name of one device only");
            under.Range("MemoryMiB", device.MemoryMiB, 1, MostMiB);
            under.Range("Slots", device.Slots, 0, 10_000);
        }

        if (string.IsNullOrWhiteSpace(options.NvidiaSmi)) found.Add("NvidiaSmi", options.NvidiaSmi, "a program, such as nvidia-smi");
        found.Range("RefreshSeconds", options.RefreshSeconds, 0.1, 3600);
        found.Range("TimeoutSeconds", options.TimeoutSeconds, 0.1, 60);
        found.Range("TurnSeconds", options.TurnSeconds, 0.1, 86_400);
        found.Range("FailuresUntilAside", options.FailuresUntilAside, 1, 1000);
        found.Range("AsideSeconds", options.AsideSeconds, 0.1, 86_400);
        found.Range("MaxAsideSeconds", options.MaxAsideSeconds, options.AsideSeconds, 86_400);
    }

    public static void Check(QueueOptions queue, OptionProblems found)
    {
        if (queue.Gpu is not { } gpu) return;
        var under = found.Under("Gpu");
        if (gpu.Model is { Length: 0 or > 128 }) under.Add("Model", gpu.Model, "1 to 128 characters; leave it out for the queue's name");
        under.Range("MemoryMiB", gpu.MemoryMiB, 1, MostMiB);
        under.Range("MaxPerDevice", gpu.MaxPerDevice, 0, 256);
        under.Range("Priority", gpu.Priority, 0, 9);
    }
}

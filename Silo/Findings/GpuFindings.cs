using Gristmill.Grains.Gpu;
using Gristmill.Grains.Options;
using Microsoft.Extensions.Options;

namespace Gristmill.Silo.Findings;

/// <summary>What is wrong with this silo's devices: put aside, not to be read, or too small for a queue.</summary>
internal sealed class GpuFindings(GpuPool pool, IOptions<GristmillOptions> options) : IOwnFindings
{
    public IReadOnlyList<Finding> Current
    {
        get
        {
            var found = new List<Finding>();
            var devices = pool.Snapshot();
            if (pool.Trouble is { } trouble)
            {
                found.Add(new Finding("gpu_unreadable", Finding.Warning, null, $"The devices cannot be read: {trouble}", "Run nvidia-smi on this machine; the silo asks it again by itself."));
            }

            found.AddRange(devices.Where(d => d.State == "put_aside").Select(d => new Finding(
                "gpu_put_aside", Finding.Warning, null, $"Device {d.Name} is put aside: {d.Trouble}", "See nvidia-smi and the kernel's log (Xid); the silo tries it again by itself.")));
            foreach (var (queue, of) in options.Value.Queues)
            {
                if (of.Gpu is { } gpu && devices.Count > 0 && devices.Max(d => d.MemoryMiB) is var most && most < gpu.MemoryMiB)
                {
                    found.Add(new Finding("gpu_too_small", Finding.Error, queue, $"Queue {queue} needs {gpu.MemoryMiB} MiB of a device; the largest has {most} MiB.", $"Lower Queues:{queue}:Gpu:MemoryMiB, or serve the queue elsewhere (Labels)."));
                }
            }

            return found;
        }
    }
}

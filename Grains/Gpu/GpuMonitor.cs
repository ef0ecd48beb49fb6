using Gristmill.Grains.Options;
using Gristmill.Grains.Silo;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Gristmill.Grains.Gpu;

/// <summary>
/// Tells the <see cref="GpuPool"/> what it cannot know: what devices there are and who else uses them, every RefreshSeconds;
/// and each second how many jobs of each queue wait, also of those that have no worker and therefore claim none. Rests on
/// silos without a queue that needs devices.
/// </summary>
internal sealed class GpuMonitor(GpuPool pool, SiloQueues queues, IOptions<GristmillOptions> options, TimeProvider time, ILogger<GpuMonitor> log) : BackgroundService
{
    private const int BytesPerMiB = 1024 * 1024;
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);
    private readonly GpuPoolOptions _options = options.Value.Gpus;
    private readonly NvidiaSmi _smi = new(options.Value.Gpus.NvidiaSmi, TimeSpan.FromSeconds(options.Value.Gpus.TimeoutSeconds), time);
    private long? _readAt;
    private bool _asksSmi;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!options.Value.Queues.Values.Any(q => q.Gpu is not null) && _options.Devices.Count == 0) return;
        _asksSmi = _options.Devices.Count == 0;
        for (var i = 0; i < _options.Devices.Count; i++) Add(Of(_options.Devices[i]));
        using var timer = new PeriodicTimer(Period, time);
        try
        {
            do
            {
                if (_asksSmi && (_readAt is not { } at || time.GetElapsedTime(at).TotalSeconds >= _options.RefreshSeconds)) await ReadAsync(stoppingToken);
                foreach (var queue in queues.All.Where(q => q.Options.Gpu is not null)) await CountAsync(queue, stoppingToken);
                pool.Do(a => a.Settle());
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The silo stops.
        }
    }

    private static GpuDevice Of(GpuDeviceOptions device) => new(device.Name, device.Name, device.Device.Length > 0 ? "configured" : "made-up", device.Device, device.MemoryMiB, device.Slots);

    private void Add(GpuDevice device)
    {
        log.Found(device.Name, device.Type, device.MemoryMiB);
        pool.Do(a => a.AddDevice(device));
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        _readAt = time.GetTimestamp();
        try
        {
            var devices = await _smi.DevicesAsync(cancellationToken);
            if (devices is null or [])
            {
                if (pool.Snapshot().Count == 0) AddCpu();
                else if (devices is null) throw new NvidiaSmiException("nvidia-smi is gone.");
            }

            if (!_asksSmi) return;
            var processes = await _smi.ProcessesAsync(cancellationToken);
            foreach (var device in devices ?? []) Tell(device, processes);
            Drop(devices ?? []);
            pool.Trouble = null;
        }
        catch (NvidiaSmiException error)
        {
            if (pool.Trouble is null) log.CannotRead(error.Message);
            pool.Trouble = error.Message;
        }
    }

    private void AddCpu()
    {
        _asksSmi = false;
        Add(new GpuDevice("cpu", "cpu", "CPU", "", (int)Math.Min(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / BytesPerMiB, int.MaxValue)));
    }

    private void Tell(NvidiaDevice read, IReadOnlyList<NvidiaProcess> processes)
    {
        if (pool.Snapshot().All(d => d.Id != read.Device.Id)) Add(read.Device);
        pool.Do(a =>
        {
            var device = a.Devices.First(d => d.Device.Id == read.Device.Id);
            var seen = false;
            var ours = 0;
            foreach (var (_, pid, used) in processes.Where(p => p.Uuid == read.Device.Id))
            {
                if (device.Leases.Find(l => l.ProcessId > 0 && (l.ProcessId == pid || l.ProcessId == ProcessSession.Of(pid))) is not { } lease) continue;
                seen = true;
                ours += used;
                a.Observe(lease, used);
            }

            // Where none of the workers is seen (another namespace of process ids), what they may use is taken for theirs.
            var own = seen ? ours : device.LeasedMiB;
            a.Read(device, read.Reading, Math.Max(0, (read.Reading.UsedMiB ?? 0) - own));
        });
    }

    private void Drop(IReadOnlyList<NvidiaDevice> listed) => pool.Do(a =>
    {
        foreach (var device in a.Devices.Where(d => listed.All(l => l.Device.Id != d.Device.Id)).ToList()) a.Read(device, null, 0);
    });

    private async Task CountAsync(QueueRuntime queue, CancellationToken cancellationToken)
    {
        try
        {
            var waiting = (await queue.Store.CountAsync(cancellationToken)).Queued;
            foreach (var list in queue.Lists) waiting += await queue.Store.LengthAsync(list.Name, cancellationToken);
            pool.Do(a =>
            {
                if (a.Tenants.FirstOrDefault(t => t.Model.Queue == queue.Name) is { } tenant) a.SetDemand(tenant, waiting);
            });
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            // What waited last holds on; the store is away, or a list is none.
            log.CannotCount(queue.Name, error.Message);
        }
    }
}

/// <summary>The session that a process belongs to: a worker leads one of its own.</summary>
internal static class ProcessSession
{
    public static int Of(int processId)
    {
        try
        {
            // The name in brackets may hold spaces; behind it come state, parent, group and session.
            var stat = File.ReadAllText($"/proc/{processId}/stat");
            return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[3], System.Globalization.CultureInfo.InvariantCulture);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }
}

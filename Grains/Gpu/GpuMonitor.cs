using Gristmill.Grains.Options;
using Gristmill.Grains.Silo;
using Gristmill.Redis;
using Gristmill.Store;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Gristmill.Grains.Gpu;

/// <summary>
/// Tells the <see cref="GpuPool"/> what it cannot know: what devices there are and who else uses them, every RefreshSeconds;
/// each second how many jobs of each queue wait, also of those that have no worker and therefore claim none; and what models
/// were seen to use, here and by other silos, which <see cref="GpuPeaks"/> keeps. Rests on silos without a queue that needs
/// devices.
/// </summary>
internal sealed class GpuMonitor(GpuPool pool, SiloQueues queues, IRedisClient redis, IOptions<GristmillOptions> options, TimeProvider time, ILogger<GpuMonitor> log) : BackgroundService
{
    private const int BytesPerMiB = 1024 * 1024;
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);
    private readonly GpuPoolOptions _options = options.Value.Gpus;
    private readonly NvidiaSmi _smi = new(options.Value.Gpus.NvidiaSmi, TimeSpan.FromSeconds(options.Value.Gpus.TimeoutSeconds), time);
    private readonly GpuPeaks _peaks = new(redis, options.Value.Service);
    private List<GpuPeak> _unshared = [];
    private long _sharedAt;
    private bool _sharingFails;
    private long? _readAt;
    private bool _asksSmi;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!options.Value.Queues.Values.Any(q => q.Gpu is not null) && _options.Devices.Count == 0) return;
        _asksSmi = _options.Devices.Count == 0;
        try
        {
            // Before anything is granted: what the silo knew before it was started anew, it knows again.
            await ShareAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            return;
        }

        for (var i = 0; i < _options.Devices.Count; i++) Add(Of(_options.Devices[i]));
        using var timer = new PeriodicTimer(Period, time);
        try
        {
            do
            {
                if (_asksSmi && (_readAt is not { } at || time.GetElapsedTime(at).TotalSeconds >= _options.RefreshSeconds)) await ReadAsync(stoppingToken);
                foreach (var queue in queues.All.Where(q => q.Options.Gpu is not null)) await CountAsync(queue, stoppingToken);
                if (pool.Do(a => a.HasNews) || _unshared.Count > 0 || time.GetElapsedTime(_sharedAt).TotalSeconds >= _options.RefreshSeconds) await ShareAsync(stoppingToken);
                pool.Do(a => a.Settle());
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The silo stops.
        }
    }

    // News goes there first, so that what is read has it; what could not be told is told the next time.
    private async Task ShareAsync(CancellationToken cancellationToken)
    {
        _sharedAt = time.GetTimestamp();
        try
        {
            _unshared.AddRange(pool.Do(a => a.TakeNews()));
            await _peaks.RaiseAsync(_unshared, cancellationToken);
            _unshared = [];
            var peaks = await _peaks.ReadAsync(cancellationToken);
            pool.Do(a => a.SetPeaks(peaks));
            _sharingFails = false;
        }
        catch (Exception error) when (error is RedisException && !cancellationToken.IsCancellationRequested)
        {
            // The key is of another type, or the store is away: what this silo has seen itself holds meanwhile.
            if (!_sharingFails) log.CannotShare(error.Message);
            _sharingFails = true;
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
                if (pid == Environment.ProcessId)
                {
                    // Calls of C# handlers use memory of this process, which cannot be told apart: as much of it as is leased to them is theirs.
                    seen = true;
                    ours += Math.Min(used, device.Leases.Where(l => l.ProcessId == 0).Sum(l => l.MemoryMiB));
                    continue;
                }

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
            var counts = await queue.Store.CountAsync(cancellationToken);
            var waiting = counts.Queued;
            var sessions = queue.Sessions is null ? 0 : counts.Queued - counts.InLine + counts.Running;
            foreach (var list in queue.Lists) waiting += await queue.Store.LengthAsync(list.Name, cancellationToken);
            pool.Do(a =>
            {
                if (a.Tenants.FirstOrDefault(t => t.Model.Queue == queue.Name) is { } tenant) a.SetDemand(tenant, waiting, sessions);
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

using System.Globalization;
using Gristmill.Grains.Handlers;
using Gristmill.Grains.Options;
using Gristmill.Grains.Telemetry;
using Gristmill.Store;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Gristmill.Grains.Gpu;

/// <summary>
/// The devices of this silo, for everyone: the <see cref="GpuAllocator"/> behind a lock. Worker pools ask for leases and say
/// what becomes of them by their <see cref="GpuSeat"/>; <see cref="GpuMonitor"/> says what devices there are and how many jobs
/// wait. When somebody was granted a lease, must leave, or may find a slot, all seats are told, with no lock held.
/// </summary>
internal sealed class GpuPool
{
    private readonly Lock _gate = new();
    private readonly GpuAllocator _allocator;
    private readonly TimeProvider _time;
    private readonly ILogger<GpuPool> _log;
    private readonly List<GpuSeat> _seats = [];

    public GpuPool(IOptions<GristmillOptions> options, TimeProvider time, ILogger<GpuPool> log)
    {
        _allocator = new GpuAllocator(options.Value.Gpus, time);
        _time = time;
        _log = log;
        GristmillTelemetry.ObserveGpus(Snapshot);
    }

    /// <summary>Why nvidia-smi is of no use; null when it is, or is not asked.</summary>
    public string? Trouble { get; set; }

    /// <summary>A runner of a queue takes its place among the others; a later one of the same queue goes on with its account.</summary>
    public GpuSeat Join(GpuModel model, Action changed)
    {
        lock (_gate)
        {
            var tenant = _allocator.Tenants.FirstOrDefault(t => t.Model.Queue == model.Queue) ?? _allocator.AddTenant(model);
            var seat = new GpuSeat(this, tenant, changed);
            _seats.Add(seat);
            return seat;
        }
    }

    public void Leave(GpuSeat seat)
    {
        lock (_gate) _seats.Remove(seat);
    }

    /// <summary>Why no job of a queue can start now for want of a device.</summary>
    public GpuWait WhyWaiting(string queue)
    {
        lock (_gate) return _allocator.Tenants.FirstOrDefault(t => t.Model.Queue == queue) is { } tenant ? _allocator.WhyWaiting(tenant) : GpuWait.None;
    }

    /// <summary>The devices and what is on them.</summary>
    public IReadOnlyList<SiloGpuRecord> Snapshot()
    {
        lock (_gate)
        {
            return [.. _allocator.Devices.Select(d => new SiloGpuRecord
            {
                Name = d.Device.Name,
                Id = d.Device.Id,
                Type = d.Device.Type,
                State = d.IsAside ? "put_aside" : "ok",
                Trouble = d.Missing ? "nvidia-smi no longer lists it." : d.Trouble,
                MemoryMiB = d.Device.MemoryMiB,
                LeasedMiB = d.LeasedMiB,
                ForeignMiB = d.ForeignMiB,
                UsedMiB = d.Reading?.UsedMiB,
                UtilisationPercent = d.Reading?.UtilisationPercent,
                TemperatureCelsius = d.Reading?.TemperatureCelsius,
                Slots = d.Device.Slots,
                Running = d.Running,
                Models = [.. d.Leases.Select(l => new SiloGpuModelRecord(
                    l.Tenant.Model.Queue, l.Tenant.Model.Model, l.MemoryMiB, l.Leaving ? "leaving" : l.State.ToString().ToLowerInvariant(),
                    Math.Round(_time.GetElapsedTime(l.LastUsed).TotalSeconds, 1)))],
            })];
        }
    }

    /// <summary>By queue: models loaded, workers evicted, jobs that ran out of memory, since the silo's start.</summary>
    public IReadOnlyList<(string Queue, long Loads, long Evictions, long OutOfMemory)> Totals()
    {
        lock (_gate) return [.. _allocator.Tenants.Select(t => (t.Model.Queue, t.Loads, t.Evictions, t.OutOfMemory))];
    }

    /// <summary>Changes the allocator, and tells the seats where that concerns them.</summary>
    public T Do<T>(Func<GpuAllocator, T> change)
    {
        T result;
        GpuSeat[] told;
        lock (_gate)
        {
            var before = _allocator.Changes;
            result = change(_allocator);
            told = _allocator.Changes == before ? [] : [.. _seats];
        }

        if (told.Length > 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static seats =>
            {
                foreach (var seat in seats) seat.Tell();
            }, told, preferLocal: false);
        }

        return result;
    }

    public void Do(Action<GpuAllocator> change) => Do(allocator =>
    {
        change(allocator);
        return true;
    });

    /// <summary>
    /// What an attempt's end says of its device. Out of memory sends the idle models of others away and gets the figures into its
    /// error; what CUDA calls an error counts against the device.
    /// </summary>
    public AttemptResult Judge(GpuLease lease, AttemptResult result)
    {
        switch (result)
        {
            case AttemptResult.Completed:
                Do(a => a.Succeeded(lease));
                return result;
            case AttemptResult.Failed { Error: { Kind: AttemptErrorKind.OutOfMemory } error }:
                GristmillTelemetry.GpuOutOfMemory.Add(1, GristmillTelemetry.Queue(lease.Tenant.Model.Queue));
                return AttemptResult.Failure(AttemptErrorKind.OutOfMemory, error.Type, $"{error.Message} {OutOfMemory(lease)}", error.Detail);
            case AttemptResult.Failed failed:
                Blame(lease, $"{failed.Error.Message} {failed.Error.Detail}");
                return result;
            default:
                return result;
        }
    }

    /// <summary>Counts a failure against the device if its text says that CUDA or the driver failed: a broken program takes no device from others.</summary>
    public void Blame(GpuLease lease, string text)
    {
        if (!CudaErrors.IsIn(text)) return;
        var why = BoundedText.Head(text, 300);
        if (Do(a => a.Failed(lease, why)) is { } aside) _log.PutAside(lease.Device.Name, aside.TotalSeconds, why);
    }

    private string OutOfMemory(GpuLease lease) => Do(a =>
    {
        var evicted = a.MakeRoom(lease);
        var (device, model) = (a.StateOf(lease), lease.Tenant.Model);
        var observed = Math.Max(lease.ObservedMiB, a.ObservedOf(model.Model, lease.Device.Type));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"Model {model.Model} on {lease.Device.Name} ({lease.Device.Type}): declared {model.DeclaredMiB} MiB, observed {(observed > 0 ? $"{observed} MiB" : "unknown")}, free {device.FreeMiB} of {lease.Device.MemoryMiB} MiB{(lease.Alone ? ", alone on the device" : "")}; idle models sent away: {evicted}.");
    });
}

/// <summary>What CUDA and its driver say when a device is at fault.</summary>
internal static class CudaErrors
{
    private static readonly string[] Texts = ["CUDA error", "CUDA driver", "CUDA-capable device", "CUDA_ERROR_", "cuDNN error", "CUBLAS_STATUS_", "NVML"];

    public static bool IsIn(string text) => Array.Exists(Texts, known => text.Contains(known, StringComparison.OrdinalIgnoreCase)) && !ExceptionOutcome.SaysOutOfMemory(text);
}

/// <summary>Event ids 1140 to 1149.</summary>
internal static partial class GpuLog
{
    [LoggerMessage(1140, LogLevel.Error, "Device {Device} is put aside for {Seconds} s, since it failed again and again: {Why}")]
    public static partial void PutAside(this ILogger log, string device, double seconds, string why);

    [LoggerMessage(1141, LogLevel.Information, "Device {Device}: {Type}, {MemoryMiB} MiB")]
    public static partial void Found(this ILogger log, string device, string type, int memoryMiB);

    [LoggerMessage(1142, LogLevel.Warning, "The devices cannot be read: {Why}")]
    public static partial void CannotRead(this ILogger log, string why);

    [LoggerMessage(1144, LogLevel.Warning, "Queue {Queue}: its handler could not unload what it has on device {Device}, whose memory counts as free all the same: {Why}")]
    public static partial void UnloadFailed(this ILogger log, string queue, string device, string why);

    [LoggerMessage(1145, LogLevel.Warning, "What models were seen to use cannot be shared with other silos: {Why}")]
    public static partial void CannotShare(this ILogger log, string why);

    [LoggerMessage(1143, LogLevel.Warning, "How many jobs of queue {Queue} wait for a device cannot be read: {Why}")]
    public static partial void CannotCount(this ILogger log, string queue, string why);
}

using System.Diagnostics;
using System.Globalization;

namespace Gristmill.Grains.Gpu;

/// <summary>One device, as nvidia-smi lists it.</summary>
internal sealed record NvidiaDevice(GpuDevice Device, GpuReading Reading);

/// <summary>A process on a device, as nvidia-smi lists it.</summary>
internal sealed record NvidiaProcess(string Uuid, int ProcessId, int UsedMiB);

/// <summary>nvidia-smi has not answered; the message says how.</summary>
internal sealed class NvidiaSmiException(string message, Exception? innerException = null) : Exception(message, innerException);

/// <summary>
/// Asks nvidia-smi, in CSV: what devices there are, and what processes use of them. A program that hangs is killed when its
/// time is over.
/// </summary>
internal sealed class NvidiaSmi(string program, TimeSpan limit, TimeProvider time)
{
    private static readonly string[] DeviceQuery =
        ["--query-gpu=index,name,uuid,memory.total,memory.used,utilization.gpu,temperature.gpu", "--format=csv,noheader,nounits"];

    private static readonly string[] ProcessQuery = ["--query-compute-apps=gpu_uuid,pid,used_gpu_memory", "--format=csv,noheader,nounits"];

    /// <summary>The devices; null where there is no such program.</summary>
    /// <exception cref="NvidiaSmiException">It failed, took too long, or said what cannot be read.</exception>
    public async Task<IReadOnlyList<NvidiaDevice>?> DevicesAsync(CancellationToken cancellationToken) =>
        await RunAsync(DeviceQuery, cancellationToken).ConfigureAwait(false) is { } text ? ParseDevices(text) : null;

    /// <summary>The processes; none where there is no such program.</summary>
    /// <exception cref="NvidiaSmiException">It failed, took too long, or said what cannot be read.</exception>
    public async Task<IReadOnlyList<NvidiaProcess>> ProcessesAsync(CancellationToken cancellationToken) =>
        await RunAsync(ProcessQuery, cancellationToken).ConfigureAwait(false) is { } text ? ParseProcesses(text) : [];

    /// <summary>Lines like <c>0, NVIDIA A10, GPU-5f…, 23028, 412, 7, 41</c>; what a device does not tell stands as [N/A].</summary>
    internal static IReadOnlyList<NvidiaDevice> ParseDevices(string csv) => [.. Rows(csv, 7).Select(row => new NvidiaDevice(
        new GpuDevice(row[2], $"gpu{row[0]}", row[1], row[2], Number(row[3]) ?? throw Unreadable(string.Join(", ", row))),
        new GpuReading(Number(row[4]), Number(row[5]), Number(row[6]))))];

    /// <summary>Lines like <c>GPU-5f…, 4711, 2938</c>.</summary>
    internal static IReadOnlyList<NvidiaProcess> ParseProcesses(string csv) =>
        [.. Rows(csv, 3).Where(row => Number(row[1]) is not null).Select(row => new NvidiaProcess(row[0], Number(row[1])!.Value, Number(row[2]) ?? 0))];

    private static IEnumerable<string[]> Rows(string csv, int fields)
    {
        foreach (var line in csv.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var row = line.Split(',', StringSplitOptions.TrimEntries);
            yield return row.Length == fields ? row : throw Unreadable(line);
        }
    }

    private static int? Number(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static NvidiaSmiException Unreadable(string line) => new($"nvidia-smi said what cannot be read: {(line.Length > 200 ? line[..200] : line)}");

    private async Task<string?> RunAsync(string[] arguments, CancellationToken cancellationToken)
    {
        using var process = new Process { StartInfo = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true } };
        try
        {
            process.Start();
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }

        using var late = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(either.Token);
            var errors = process.StandardError.ReadToEndAsync(either.Token);
            var text = await output.ConfigureAwait(false);
            var said = await errors.ConfigureAwait(false);
            await process.WaitForExitAsync(either.Token).ConfigureAwait(false);
            return process.ExitCode == 0 ? text : throw new NvidiaSmiException($"nvidia-smi ended with exit status {process.ExitCode}: {$"{text} {said}".Trim()}");
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            cancellationToken.ThrowIfCancellationRequested();
            throw new NvidiaSmiException(string.Create(CultureInfo.InvariantCulture, $"nvidia-smi did not answer within {limit.TotalSeconds} s."));
        }
    }
}

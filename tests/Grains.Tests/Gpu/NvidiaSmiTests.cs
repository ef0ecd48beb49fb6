using Gristmill.Grains.Gpu;
using Gristmill.Testing;

namespace Gristmill.Grains.Tests.Gpu;

/// <summary>What nvidia-smi says, and when it does not. A shell script stands in for the program.</summary>
public sealed class NvidiaSmiTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Devices_and_processes_are_read_from_its_csv()
    {
        using var folder = new TempFolder();
        var smi = Program(folder, """
            case $1 in
              --query-gpu=*) echo '0, NVIDIA A10, GPU-5f1c, 23028, 412, 7, 41'; echo '1, Tesla T4, GPU-77aa, 15360, [N/A], [N/A], 38' ;;
              *) echo 'GPU-5f1c, 4711, 2938'; echo 'GPU-77aa, 12, [N/A]' ;;
            esac
            """);
        var devices = await smi.DevicesAsync(Stop);
        Assert.Equal(
            [
                new NvidiaDevice(new GpuDevice("GPU-5f1c", "gpu0", "NVIDIA A10", "GPU-5f1c", 23028), new GpuReading(412, 7, 41)),
                new NvidiaDevice(new GpuDevice("GPU-77aa", "gpu1", "Tesla T4", "GPU-77aa", 15360), new GpuReading(null, null, 38)),
            ],
            devices!);
        Assert.Equal([new NvidiaProcess("GPU-5f1c", 4711, 2938), new NvidiaProcess("GPU-77aa", 12, 0)], await smi.ProcessesAsync(Stop));
    }

    [Fact]
    public async Task Program_that_is_missing_is_no_error()
    {
        var smi = new NvidiaSmi("/nowhere/nvidia-smi", TimeSpan.FromSeconds(5), TimeProvider.System);
        Assert.Null(await smi.DevicesAsync(Stop));
        Assert.Empty(await smi.ProcessesAsync(Stop));
    }

    [Fact]
    public async Task Program_that_hangs_is_killed()
    {
        using var folder = new TempFolder();
        var smi = Program(folder, $"echo $$ > {folder.File("pid")}; exec sleep 1000", seconds: 1);
        var error = await Assert.ThrowsAsync<NvidiaSmiException>(() => smi.DevicesAsync(Stop));
        Assert.Contains("did not answer within 1 s", error.Message, StringComparison.Ordinal);
        var pid = long.Parse(await File.ReadAllTextAsync(folder.File("pid"), Stop), System.Globalization.CultureInfo.InvariantCulture);
        await Workers.Wait.UntilAsync(() => Workers.Wait.IsDead(pid));
    }

    [Theory]
    [InlineData("echo 'NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.'; exit 9", "exit status 9")]
    [InlineData("echo 'some, other, thing'", "cannot be read: some, other, thing")]
    public async Task Program_that_fails_or_says_something_else_is_an_error_with_its_words(string script, string expected)
    {
        using var folder = new TempFolder();
        var error = await Assert.ThrowsAsync<NvidiaSmiException>(() => Program(folder, script).DevicesAsync(Stop));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    private static NvidiaSmi Program(TempFolder folder, string script, double seconds = 20)
    {
        var path = folder.File("nvidia-smi");
        File.WriteAllText(path, $"#!/bin/sh\n{script}\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return new NvidiaSmi(path, TimeSpan.FromSeconds(seconds), TimeProvider.System);
    }
}

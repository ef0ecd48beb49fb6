using System.Diagnostics;
using Gristmill.Grains.Handlers;
using Gristmill.Grains.Tests.Handlers;
using Gristmill.Grains.Workers;
using Gristmill.Testing;

namespace Gristmill.Grains.Tests.Workers;

/// <summary>
/// samples/pytorch where there is no PyTorch, and its own lines on a stand-in for it (torch_standin), which knows a made-up
/// device. PyTorch itself is not tested here.
/// </summary>
public sealed class PyTorchSampleTests
{
    private static CancellationToken TestEnd => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Without_PyTorch_it_says_so_and_does_not_start()
    {
        var error = await Assert.ThrowsAsync<RunnerStartException>(() => Pools.StartAsync(Options("torch_missing")));
        Assert.Contains("exit status 69", error.Message, StringComparison.Ordinal);
        Assert.Contains("worker.py needs PyTorch", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_a_device_that_PyTorch_does_not_see_it_does_not_start()
    {
        var error = await Assert.ThrowsAsync<RunnerStartException>(() => Pools.StartAsync(Options("torch_standin", ("CUDA_VISIBLE_DEVICES", "GPU-1"), ("GRISTMILL_GPU", "gpu0"))));
        Assert.Contains("was given the device gpu0", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task On_the_CPU_it_works_without_limits()
    {
        var logs = new ScopeLog();
        await using var pool = await Pools.StartAsync(Options("torch_standin"), logs);
        var progress = new ProgressLog();
        var result = await pool.RunAsync(Attempts.Of("""{"question":"the tide","texts":["a mill","the tide turns"]}"""), progress, TestEnd);
        Assert.Equal("""{"best":1,"score":0.6667,"device":"cpu"}""", Attempts.ResultOf(result));
        Assert.Equal([(2, 2, "comparing")], progress.Reports);
        Assert.DoesNotContain(logs.Lines, line => line.Contains("fraction", StringComparison.Ordinal));
        Assert.Equal(AttemptErrorKind.Fatal, Attempts.ErrorOf(await pool.RunAsync("""{"texts":["a"]}""", TestEnd)).Kind);
    }

    [Fact]
    public async Task On_a_device_it_keeps_to_its_memory_and_out_of_memory_is_the_jobs_outcome()
    {
        var logs = new ScopeLog();
        await using var pool = await Pools.StartAsync(
            Options("torch_standin", ("STANDIN_CUDA", "1"), ("CUDA_VISIBLE_DEVICES", "GPU-1"), ("GRISTMILL_GPU_MEMORY_MIB", "2048")), logs);

        // What the silo keeps for it, without what CUDA takes beside PyTorch, of the 8 GiB that the device has.
        await Wait.UntilAsync(() => logs.Lines.Any(line => line.Contains($"fraction {(2048 - 512) / 8192.0} of cuda:0", StringComparison.Ordinal)));
        var words = string.Join(' ', Enumerable.Range(0, 1001));
        var error = Attempts.ErrorOf(await pool.RunAsync($$"""{"question":"{{words}}","texts":["a"]}""", TestEnd));
        Assert.Equal((AttemptErrorKind.OutOfMemory, "OutOfMemory"), (error.Kind, error.Type));
        await Wait.UntilAsync(() => logs.Lines.Any(line => line.Contains("cache emptied", StringComparison.Ordinal)));

        Assert.Contains("\"device\":\"cuda:0\"", Attempts.ResultOf(await pool.RunAsync("""{"question":"a","texts":["a"]}""", TestEnd)), StringComparison.Ordinal);
        Assert.Equal(1, pool.Counters.Starts);
        Assert.Single(logs.Lines, line => line.Contains("model loaded", StringComparison.Ordinal));
    }

    [Fact]
    public async Task It_says_how_much_of_its_device_it_has_used()
    {
        var options = Options("torch_standin", ("STANDIN_CUDA", "1"));
        var start = new ProcessStartInfo(options.Command[0], options.Command[1..]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in options.Environment) start.Environment[name] = value;
        using var worker = Process.Start(start)!;
        await worker.StandardInput.WriteAsync("""
            {"type":"hello","protocol":1}
            {"type":"job","id":1,"payload":{"question":"a","texts":["a"]}}
            {"type":"stop"}

            """);
        var said = await worker.StandardOutput.ReadToEndAsync(TestEnd);
        await worker.WaitForExitAsync(TestEnd);
        var result = Assert.Single(said.Split('\n'), line => line.Contains("\"result\"", StringComparison.Ordinal));

        // What CUDA takes for a process, and the 100 MiB that the stand-in has reserved.
        Assert.EndsWith("\"gpu_memory_mib\":612}", result, StringComparison.Ordinal);
    }

    private static WorkerOptions Options(string torch, params (string Name, string Value)[] environment)
    {
        Tools.Require(Tools.Python);
        var options = Pools.Patient([Tools.Python.Program, Repository.Path("samples/pytorch/worker.py")]);
        options.CancelGraceSeconds = 10;
        options.Environment["PYTHONPATH"] = $"{Repository.Path($"tests/Grains.Tests/Workers/{torch}")}:{Repository.Path("samples/python")}";
        options.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        foreach (var (name, value) in environment) options.Environment[name] = value;
        return options;
    }
}

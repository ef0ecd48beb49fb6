using Gristmill.Grains.Gpu;
using Gristmill.Grains.Handlers;
using Gristmill.Grains.Options;
using Gristmill.Grains.Tests.Handlers;
using Gristmill.Grains.Tests.Workers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gristmill.Grains.Tests.Gpu;

/// <summary>A C# handler that keeps its model on the device between jobs: its memory is free once it has unloaded, and not before.</summary>
public sealed class GpuResidentTests
{
    private static CancellationToken TestEnd => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Handler_unloads_its_model_before_another_queue_gets_the_memory()
    {
        var gpus = new GpuPool(Microsoft.Extensions.Options.Options.Create(new GristmillOptions()), TimeProvider.System, NullLogger<GpuPool>.Instance);
        gpus.Do(a => a.AddDevice(new GpuDevice("mill", "mill", "made-up", "7", 8192)));
        var resident = new Resident();
        await using var services = new ServiceCollection().AddSingleton(resident).BuildServiceProvider();
        var handler = new HandlerRunner(
            HandlerRegistration.Create("resident", typeof(Resident), ServiceLifetime.Singleton), HandlerInvoker.Create(typeof(Resident), new HandlerOptions()), services, NullLoggerFactory.Instance);
        await using var runner = new GpuHandlerRunner(handler, changed => gpus.Join(new GpuModel("resident", "resident", 6000), changed), most: 4, TimeProvider.System, NullLogger.Instance);
        await runner.StartAsync(TestEnd);
        Assert.Equal(1, runner.Reserve(executing: 0));
        runner.Settle(executing: 1, wants: false);
        Assert.Equal("\"7\"", Attempts.ResultOf(await runner.RunAsync("{}", TestEnd)));
        Assert.Equal(["resident"], Queues(gpus));

        var other = gpus.Join(new GpuModel("other", "other", 6000), () => { });
        other.Request();
        other.Wanted();
        await resident.Unloading.Task.WaitAsync(TimeSpan.FromSeconds(30), TestEnd);
        Assert.Equal(["resident"], Queues(gpus));
        resident.Unloaded.SetResult();
        await Wait.UntilAsync(() => Queues(gpus) is ["other"]);
    }

    private static List<string> Queues(GpuPool gpus) => [.. gpus.Snapshot()[0].Models.Select(m => m.Queue)];

    private sealed class Resident : IJobHandler<byte[], string>, IGpuResident
    {
        public TaskCompletionSource Unloading { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Unloaded { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<string> HandleAsync(byte[] payload, JobContext context, CancellationToken cancellationToken) => Task.FromResult(context.Gpu!.Id);

        public Task UnloadAsync(JobGpu gpu, CancellationToken cancellationToken)
        {
            Unloading.TrySetResult();
            return Unloaded.Task.WaitAsync(cancellationToken);
        }
    }
}

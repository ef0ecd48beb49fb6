using System.Diagnostics;
using Gristmill.Grains.Gpu;
using Gristmill.Grains.Options;
using Gristmill.Grains.Tests.Bridge;
using Gristmill.Grains.Tests.Workers;
using Gristmill.Store;

namespace Gristmill.Grains.Tests.Gpu;

/// <summary>A worker that says where it runs, runs out of memory, or holds its job, as told; and queues that use it.</summary>
internal static class DeviceWorker
{
    // "fits" is enough memory only where its device is its own.
    private const string Program =
        """
        read -r hello
        echo '{"type":"ready","protocol":1,"gpu_memory_mib":100}'
        while read -r line; do
          id=$(printf %s "$line" | sed 's/.*"id":\([0-9]*\).*/\1/')
          case $line in
            *'"oom"'*) echo "{\"type\":\"error\",\"id\":$id,\"kind\":\"oom\",\"message\":\"too big\"}"; continue ;;
            *'"fits"'*) if [ "$GRISTMILL_GPU_MEMORY_MIB" -lt 8192 ]; then echo "{\"type\":\"error\",\"id\":$id,\"kind\":\"oom\",\"message\":\"too big\"}"; continue; fi ;;
            *'"grow"'*) echo "{\"type\":\"result\",\"id\":$id,\"gpu_memory_mib\":4000,\"result\":\"$GRISTMILL_GPU||0|$$\"}"; continue ;;
            *'"hold"'*) cat "$(printf %s "$line" | sed 's/.*"at":"\([^"]*\)".*/\1/')" >/dev/null ;;
            *'"type":"stop"'*) exit 0 ;;
          esac
          echo "{\"type\":\"result\",\"id\":$id,\"result\":\"$GRISTMILL_GPU|$CUDA_VISIBLE_DEVICES|$GRISTMILL_GPU_MEMORY_MIB|$$\"}"
        done
        """;

    public static void Use(QueueOptions queue, int memoryMiB, int workers = 1)
    {
        queue.Worker = Pools.Patient(["sh", "-c", Program]);
        queue.Worker.Count = workers;
        queue.Gpu = new GpuQueueOptions { MemoryMiB = memoryMiB };
    }

    public static QueueOptions Add(GristmillOptions silo, string name, string list, int memoryMiB, int workers = 1)
    {
        var queue = new QueueOptions { List = list };
        Use(queue, memoryMiB, workers);
        silo.Queues[name] = queue;
        return queue;
    }

    public static void Device(GristmillOptions silo, int slots = 0, string name = "mill") =>
        silo.Gpus.Devices.Add(new GpuDeviceOptions { Name = name, MemoryMiB = 8192, Slots = slots });

    public static QueueStore Store(Stage stage, string queue) => new(stage.Redis, new RedisKeys(stage.Service, 0, queue));

    public static string[] Jobs(int count, int first = 1) => [.. Enumerable.Range(first, count).Select(n => $$"""{"job_id":"j{{n}}"}""")];

    /// <summary>What a job's worker said: device, CUDA_VISIBLE_DEVICES, memory, process.</summary>
    public static string[] Said(JobView job) => Stage.Result(job).Trim('"').Split('|');
}

/// <summary>Holds a job of <see cref="DeviceWorker"/> until it is opened: a named pipe that the worker reads.</summary>
internal sealed class Gate : IDisposable
{
    private readonly Gristmill.Testing.TempFolder _folder = new();

    public Gate()
    {
        Path = _folder.File("gate");
        using var made = Process.Start("mkfifo", Path);
        made.WaitForExit();
    }

    public string Path { get; }

    public string Job(string id, string more = "") => $$"""{"job_id":"{{id}}","do":"hold","at":"{{Path}}"{{more}}}""";

    /// <summary>Lets a job go on; waits until a worker holds one.</summary>
    public Task OpenAsync() => File.WriteAllTextAsync(Path, "go", TestContext.Current.CancellationToken);

    public void Dispose() => _folder.Dispose();
}

using Gristmill.Grains.Gpu;

namespace Gristmill.Grains.Options;

/// <summary>A silo. In configuration: <c>Gristmill:…</c>, or <c>Gristmill__…</c> in the environment. Times are seconds.</summary>
public sealed partial class GristmillOptions
{
    /// <summary>The section of the configuration.</summary>
    public const string Section = "Gristmill";

    /// <summary>
    /// The Redis: redis:// or rediss://, with user, password and database. Without one the silo starts an embedded store.
    /// </summary>
    public string? Redis { get; set; }

    /// <summary>The service id that keeps clusters on one Redis apart: letters, digits, '.', '_', ':', '-'. Default "default".</summary>
    public string Service { get; set; } = "default";

    /// <summary>The silo's name for people. Default: the machine's name and the process id.</summary>
    public string SiloName { get; set; } = $"{Environment.MachineName}-{Environment.ProcessId}";

    /// <summary>What this silo is or has, such as "gpu": queues may ask for it. At most 32 of 1 to 64 letters, digits, '.', '_', ':', '=', '-'.</summary>
    public List<string> Labels { get; set; } = [];

    /// <summary>The queues by name.</summary>
    public Dictionary<string, QueueOptions> Queues { get; set; } = [];

    /// <summary>The devices that queues with Gpu options share.</summary>
    public GpuPoolOptions Gpus { get; set; } = new();

    /// <summary>Assemblies with handlers, by path.</summary>
    public List<string> HandlerAssemblies { get; set; } = [];

    /// <summary>How long a lease of this silo lasts without being renewed, 1 to 300. Default 5.</summary>
    public double LeaseSeconds { get; set; } = 5;

    /// <summary>How often leases are renewed, 0.1 to a third of LeaseSeconds. Default 1.</summary>
    public double RenewSeconds { get; set; } = 1;

    /// <summary>How long running jobs may go on when the silo stops, 0 to 3,600. Default 30.</summary>
    public double ShutdownSeconds { get; set; } = 30;

    /// <summary>How often the silo says in one line how it is doing, 0 (never) to 86,400. Default 60.</summary>
    public double StatisticsSeconds { get; set; } = 60;

    /// <summary>How often it looks for what goes wrong, 5 to 86,400. Default 60.</summary>
    public double FindingsSeconds { get; set; } = 60;

    /// <summary>Where the HTTP API listens. Default http://127.0.0.1:8080.</summary>
    public string Url { get; set; } = "http://127.0.0.1:8080";

    /// <summary>Who may call the HTTP API.</summary>
    public AccessOptions Access { get; set; } = new();

    /// <summary>The bounds of the HTTP API.</summary>
    public ApiOptions Api { get; set; } = new();

    /// <summary>The store that is started when no Redis is configured.</summary>
    public EmbeddedStoreOptions Embedded { get; set; } = new();
}

/// <summary>The embedded store: Garnet as a child process on loopback.</summary>
public sealed class EmbeddedStoreOptions
{
    /// <summary>Where its data and log are. Default ./.gristmill.</summary>
    public string Folder { get; set; } = "./.gristmill";

    /// <summary>Its port, 0 to 65,535; 0 for a free one. Default 0.</summary>
    public int Port { get; set; }

    /// <summary>The memory it may use, in MiB, 64 to 1,048,576. Default 1,024.</summary>
    public int MemoryMiB { get; set; } = 1024;
}

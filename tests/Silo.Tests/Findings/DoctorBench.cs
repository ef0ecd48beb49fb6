using Gristmill.Grains.Options;
using Gristmill.Redis;
using Gristmill.Silo.Commands;
using Gristmill.Silo.Findings;
using Gristmill.Silo.Tests.Commands;
using Gristmill.Store;
using Gristmill.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gristmill.Silo.Tests.Findings;

/// <summary>
/// The doctor on a real server of its own, since it looks at all keys: as a silo of the queue asr asks it (the list asr_list),
/// and as the command.
/// </summary>
internal sealed class DoctorBench : IAsyncDisposable
{
    public const string Service = "default";
    private readonly TempFolder _folder = new();
    private readonly IRedisClient _client;
    private readonly bool _owns;

    private DoctorBench(IRedisServer server, bool owns)
    {
        _client = RedisClient.Connect(RedisOptions.Parse(server.Url), NullLoggerFactory.Instance);
        (Server, _owns) = (server, owns);
        Look = LookOf(_client, new GristmillOptions
        {
            Redis = server.Url,
            Queues = { ["asr"] = new QueueOptions { List = "asr_list", Handler = "h", DeadLetterList = "asr_letters", ReplyToPrefixes = ["replies:"] } },
        });
    }

    public IRedisServer Server { get; }

    public DoctorLook Look { get; }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public static async Task<DoctorBench> StartAsync(StoreKind kind = StoreKind.Redis) => new(await Stores.StartAsync(kind), owns: true);

    /// <summary>On a server that is the test's.</summary>
    public static DoctorBench On(IRedisServer server) => new(server, owns: false);

    /// <summary>Another doctor of a silo with these queues.</summary>
    public static DoctorLook LookOf(IRedisClient client, GristmillOptions options, Func<DoctorSettings, DoctorSettings>? change = null)
    {
        var settings = new DoctorSettings { Options = options, SiloId = "me", SamplePause = TimeSpan.FromMilliseconds(1) };
        return new DoctorLook(client, change?.Invoke(settings) ?? settings, NullLogger.Instance, TimeProvider.System);
    }

    public DoctorLook LookOf(GristmillOptions options, Func<DoctorSettings, DoctorSettings>? change = null) => LookOf(_client, options, change);

    public ValueTask<RedisReply> DoAsync(string name, params string[] arguments) => _client.ExecuteAsync(new RedisCommand(name, arguments), Cancelled);

    /// <summary>Runs lines of redis-cli.</summary>
    public async Task LoadAsync(string lines)
    {
        foreach (var words in lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('|')).Where(w => w.Length > 1)) await DoAsync(words[0], words[1..]);
    }

    public async Task<IReadOnlyList<Finding>> LookAsync() => await Look.TakeAsync(Cancelled);

    /// <summary>The only finding with this code, after another look.</summary>
    public async Task<Finding> FindAsync(string code) => Only(await LookAsync(), code);

    /// <summary>Writes a silo of the service, as it was heard of some time ago.</summary>
    public async Task AddSiloAsync(SiloRecord record, TimeSpan heardAgo = default)
    {
        await new SiloRegistry(_client, Service).ReportAsync(record, Cancelled);
        await DoAsync("PEXPIRE", RedisKeys.Silo(Service, record.Id), $"{(long)(SiloRegistry.Keep - heardAgo).TotalMilliseconds}");
    }

    /// <summary>gristmill doctor, with an address of its own or the server's.</summary>
    public Task<CommandResult> DoctorAsync(params string[] arguments) => DoctorAsync(Server.Url, _folder.Path, arguments);

    public static async Task<CommandResult> DoctorAsync(string url, string folder, params string[] arguments)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var environment = new CommandEnvironment { Out = output, Error = error, In = TextReader.Null, Variable = name => name == "REDIS_URL" ? url : null, Folder = folder };
        string[] words = ["doctor", .. arguments];
        return new CommandResult(await GristmillCommands.RunAsync(GristmillCommands.Build(environment, new GlobalOptions()), words, environment, Cancelled), output.ToString(), error.ToString());
    }

    public static Finding Only(IReadOnlyList<Finding> found, string code)
    {
        var those = found.Where(f => f.Code == code).ToList();
        Assert.True(those.Count == 1, $"Expected one finding {code}, actual:\n{string.Join('\n', found)}");
        return those[0];
    }

    public async ValueTask DisposeAsync()
    {
        await _client.DisposeAsync();
        if (_owns) await Server.DisposeAsync();
        _folder.Dispose();
    }
}

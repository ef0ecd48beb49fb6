using System.CommandLine;
using System.Text.Json;
using Gristmill.Client;
using Gristmill.Redis;
using Gristmill.Silo.Commands.Api;
using Gristmill.Silo.Configuration;
using Gristmill.Silo.Http;
using Gristmill.Store;
using Microsoft.Extensions.Logging.Abstractions;
using Spectre.Console;

namespace Gristmill.Silo.Commands;

/// <summary>One run of a command: what was parsed, the client, and the output.</summary>
internal sealed class CommandRun : IAsyncDisposable
{
    private readonly GlobalOptions _globals;
    private IGristmillClient? _client;
    private bool _isEmbedded;

    private CommandRun(ParseResult parsed, CommandEnvironment environment, GlobalOptions globals)
    {
        _globals = globals;
        Parsed = parsed;
        Environment = environment;
        IsJson = parsed.GetValue(globals.Json);
        Console = environment.MakeConsole(moving: false);
    }

    public ParseResult Parsed { get; }

    public CommandEnvironment Environment { get; }

    public bool IsJson { get; }

    public IAnsiConsole Console { get; }

    /// <summary>The client, of the store or of the HTTP API; connects in the background.</summary>
    public IGristmillClient Client => _client ??= Connect();

    /// <summary>The service that is meant.</summary>
    /// <exception cref="CommandException">No service can have this name.</exception>
    public string Service
    {
        get
        {
            var service = Parsed.GetValue(_globals.Service) ?? RedisAddress.Setting("Service", Environment) ?? "default";
            return RedisKeys.IsName(service)
                ? service
                : throw CommandException.BadUsage($"--service is '{service}'; it may have letters, digits, '.', '_', ':' and '-', 1 to 128 of them.");
        }
    }

    /// <summary>Whether the address of a Redis is given, or an embedded store runs here.</summary>
    public bool HasRedis => RedisAddress.IsGiven(Parsed.GetValue(_globals.Redis), Environment);

    /// <summary>A client of the Redis itself, for what looks beyond the service; connects in the background.</summary>
    /// <param name="database">The database that the address names.</param>
    public IRedisClient OpenRedis(out int database)
    {
        var options = RedisOptions.Parse(RedisAddress.Find(Parsed.GetValue(_globals.Redis), Environment, out _isEmbedded));
        database = options.Database;
        options.ClientName = "gristmill-doctor";
        return RedisClient.Connect(options, NullLoggerFactory.Instance, Environment.Clock);
    }

    /// <summary>Makes an action of a function on a run.</summary>
    public static Func<ParseResult, CancellationToken, Task<int>> Action(
        CommandEnvironment environment, GlobalOptions globals, Func<CommandRun, CancellationToken, Task<int>> action) =>
        async (parsed, cancellationToken) =>
        {
            await using var run = new CommandRun(parsed, environment, globals);
            try
            {
                return await action(run, cancellationToken);
            }
            catch (Exception error) when (run._isEmbedded && (error as RedisException ?? error.InnerException) is RedisUnavailableException)
            {
                // A store that was killed leaves the file that says where it was.
                throw new CommandException("The embedded store of this folder does not run any more.", RedisAddress.Hint);
            }
        };

    /// <summary>A run outside of its action: what a line that is still being typed asks of the cluster.</summary>
    public static CommandRun Of(ParseResult parsed, CommandEnvironment environment, GlobalOptions globals) => new(parsed, environment, globals);

    /// <summary>A queue by the name that was given.</summary>
    /// <exception cref="CommandException">No queue can have this name.</exception>
    public IQueueClient Queue(Argument<string> argument)
    {
        var name = Parsed.GetRequiredValue(argument);
        return RedisKeys.IsName(name)
            ? Client.Queue(name)
            : throw CommandException.BadUsage($"'{name}' is no name of a queue: it may have letters, digits, '.', '_', ':' and '-', 1 to 128 of them.");
    }

    /// <summary>Fails when no silo has served the queue and nothing was ever in it, with the name that is alike.</summary>
    public async Task<QueueInfo> KnownAsync(IQueueClient queue, CancellationToken cancellationToken)
    {
        var info = await queue.GetInfoAsync(cancellationToken);
        var known = await Client.ListQueuesAsync(cancellationToken);
        return known.Contains(queue.Name) || info.Totals.Values.Any(n => n > 0) ? info : throw UnknownQueue(queue.Name, known);
    }

    /// <summary>That there is no such queue, with the name that is alike, or those that there are.</summary>
    public async Task<CommandException> UnknownQueueAsync(string name, CancellationToken cancellationToken) =>
        UnknownQueue(name, await Client.ListQueuesAsync(cancellationToken));

    /// <summary>
    /// Warns of a queue that no silo serves, with the name of one that is served and alike: a name that is only mistyped
    /// would keep its jobs waiting for ever, without a word.
    /// </summary>
    public async Task WarnUnservedAsync(IQueueClient queue, string consequence, CancellationToken cancellationToken)
    {
        if ((await queue.GetInfoAsync(cancellationToken)).Silos.Count > 0) return;
        var others = (await Client.ListQueuesAsync(cancellationToken)).Where(name => name != queue.Name);
        var nearest = NearestName.Of(queue.Name, others);
        var isServed = nearest is not null && (await Client.Queue(nearest).GetInfoAsync(cancellationToken)).Silos.Count > 0;
        Warn($"No silo serves the queue '{queue.Name}' now{consequence}.{(isServed ? $" Did you mean '{nearest}'?" : string.Empty)}");
    }

    /// <summary>Writes a value as JSON.</summary>
    public void WriteJson<T>(T value) => Environment.Out.WriteLine(JsonSerializer.Serialize(value, ApiJson.Indented));

    /// <summary>Writes a value as one line of JSON.</summary>
    public void WriteJsonLine<T>(T value) => Environment.Out.WriteLine(JsonSerializer.Serialize(value, ApiJson.Options));

    /// <summary>Writes a line for people.</summary>
    public void WriteLine(string line) => Environment.Out.WriteLine(Plain.Text(line));

    /// <summary>Writes a warning beside the result.</summary>
    public void Warn(string line) => Environment.Error.WriteLine(IsJson ? JsonSerializer.Serialize(new { warning = line }, ApiJson.Options) : $"warning: {Plain.Text(line)}");

    public async ValueTask DisposeAsync()
    {
        if (_client is not null) await _client.DisposeAsync();
    }

    private IGristmillClient Connect()
    {
        if (ApiAddress.Find(Parsed, _globals, Environment) is { } api)
        {
            if (api.ShowsKey) Warn($"The access key goes to {api.Url.Host} unencrypted: whoever sees the network can read it. Use https.");
            return new ApiClient(new ApiConnection(api, Environment.Clock));
        }

        return GristmillClient.Connect(
            new GristmillClientOptions
            {
                Redis = RedisAddress.Find(Parsed.GetValue(_globals.Redis), Environment, out _isEmbedded),
                Service = Service,
                MaxRetries = 0,

                // Without repetitions a job is as safe with the store's own id, which is shorter to type.
                GenerateIds = false,
            },
            NullLoggerFactory.Instance,
            Environment.Clock);
    }

    private CommandException UnknownQueue(string name, IReadOnlyList<string> known) =>
        new($"There is no queue '{name}' in the service '{Client.Service}'.", Suggestion.Of(name, known) ?? NoQueues(known));

    private static string NoQueues(IReadOnlyList<string> known) =>
        known.Count == 0 ? "There is none yet: no silo has served one, and no client has enqueued. Start a silo with: gristmill silo --queue NAME --worker 'COMMAND'" : $"There are: {string.Join(", ", known)}";
}

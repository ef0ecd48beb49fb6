using System.CommandLine;
using System.Text.Json;
using Gristmill.Silo.Commands;
using Gristmill.Silo.Tests.Client;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Commands;

/// <summary>Runs the tree of commands in this process, with captured output, on a real Redis and a service of its own.</summary>
internal sealed class CommandFixture : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private readonly ClientFixture _client;
    private readonly Func<CommandEnvironment, GlobalOptions, Command>? _more;
    private readonly CancellationTokenSource _ctrlC = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
    private readonly bool _isOwner;

    private CommandFixture(ClientFixture client, bool isOwner, Func<CommandEnvironment, GlobalOptions, Command>? more = null)
    {
        _client = client;
        _isOwner = isOwner;
        _more = more;
    }

    public Dictionary<string, string> Variables { get; } = [];

    public ClientFixture Cluster => _client;

    public string Folder => _folder.Path;

    /// <summary>Commands of a service of their own on the shared Redis.</summary>
    /// <param name="stores">The servers.</param>
    /// <param name="more">A command that the executable adds to the tree.</param>
    public static async Task<CommandFixture> CreateAsync(SharedStores stores, Func<CommandEnvironment, GlobalOptions, Command>? more = null)
    {
        var url = (await stores.GetAsync(StoreKind.Redis)).Url;
        var client = ClientFixture.Create(url);
        return new CommandFixture(client, isOwner: true, more) { Variables = { ["REDIS_URL"] = url, ["Gristmill__Service"] = client.Service } };
    }

    /// <summary>The same commands by an HTTP API, named by the variable.</summary>
    public CommandFixture ByApi(string url) => new(_client, isOwner: false) { Variables = { ["GRISTMILL_API"] = url } };

    public Task<CommandResult> RunAsync(params string[] arguments) => RunAsync(new StringWriter(), null, arguments);

    public Task<CommandResult> RunAsync(StringWriter output, string? input, params string[] arguments) => RunAsync(output, input, new StringWriter(), arguments);

    public async Task<CommandResult> RunAsync(StringWriter output, string? input, StringWriter error, params string[] arguments)
    {
        var environment = new CommandEnvironment
        {
            Out = output,
            Error = error,
            In = new StringReader(input ?? string.Empty),
            Variable = name => Variables.GetValueOrDefault(name),
            Folder = Folder,
        };
        var globals = new GlobalOptions();
        var root = GristmillCommands.Build(environment, globals);
        if (_more is not null) root.Add(_more(environment, globals));
        var status = await GristmillCommands.RunAsync(root, arguments, environment, _ctrlC.Token);
        return new CommandResult(status, output.ToString(), error.ToString());
    }

    /// <summary>What Ctrl-C does to the commands that run.</summary>
    public Task StopAsync() => _ctrlC.CancelAsync();

    public async ValueTask DisposeAsync()
    {
        if (_isOwner) await _client.DisposeAsync();
        _ctrlC.Dispose();
        _folder.Dispose();
    }
}

internal sealed record CommandResult(int Status, string Out, string Error)
{
    public JsonElement Json => JsonDocument.Parse(Out).RootElement;

    /// <summary>Fails with what was written when the status is another.</summary>
    public CommandResult Expect(int status)
    {
        Assert.True(Status == status, $"Expected the exit status {status}, actual {Status}.\nOutput:\n{Out}\nErrors:\n{Error}");
        return this;
    }
}

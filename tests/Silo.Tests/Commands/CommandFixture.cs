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

    private CommandFixture(ClientFixture client, string url)
    {
        _client = client;
        Variables["REDIS_URL"] = url;
        Variables["Gristmill__Service"] = client.Service;
    }

    public Dictionary<string, string> Variables { get; } = [];

    public ClientFixture Cluster => _client;

    public string Folder => _folder.Path;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public static async Task<CommandFixture> CreateAsync(SharedStores stores)
    {
        var url = (await stores.GetAsync(StoreKind.Redis)).Url;
        return new CommandFixture(ClientFixture.Create(url), url);
    }

    public Task<CommandResult> RunAsync(params string[] arguments) => RunAsync(new StringWriter(), null, arguments);

    public async Task<CommandResult> RunAsync(StringWriter output, string? input, params string[] arguments)
    {
        var error = new StringWriter();
        var environment = new CommandEnvironment
        {
            Out = output,
            Error = error,
            In = new StringReader(input ?? string.Empty),
            Variable = name => Variables.GetValueOrDefault(name),
            Folder = Folder,
        };
        var status = await GristmillCommands.RunAsync(GristmillCommands.Build(environment, new GlobalOptions()), arguments, environment, Stop);
        return new CommandResult(status, output.ToString(), error.ToString());
    }

    public async ValueTask DisposeAsync()
    {
        await _client.DisposeAsync();
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

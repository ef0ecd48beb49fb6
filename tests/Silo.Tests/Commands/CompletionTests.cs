using System.Net;
using System.Net.Sockets;
using Gristmill.Client;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Commands;

/// <summary>What a shell is told while a line is typed.</summary>
public sealed class CompletionTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("", "dead-letters enqueue gpus job queues sessions silos")]
    [InlineData("que", "queues")]
    [InlineData("queues ", "drain list pause resume show")]
    [InlineData("queues show ", "asr tts:en")]
    [InlineData("queues show a", "asr")]
    [InlineData("enqueue tts:", "tts:en")]
    [InlineData("enqueue asr ", "")]
    [InlineData("enqueue asr {} --pri", "--priority")]
    [InlineData("enqueue asr {} --priority ", "high low normal")]
    [InlineData("job list asr --state c", "cancelled completed")]
    [InlineData("dead-letters purge asr --reason time", "timeout")]
    [InlineData("job show asr ", "clip-1")]
    [InlineData("job show asr cl", "clip-1")]
    [InlineData("completion ", "bash fish zsh")]
    [InlineData("queues --redis ", "")]
    [InlineData("gpus --ev", "--every")]
    public async Task Line_is_completed(string line, string words)
    {
        await using var cli = await CreateAsync();
        var said = await SuggestAsync(cli, $"gristmill {line}");
        var expected = words.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (line.Length == 0) Assert.Superset(expected.ToHashSet(), said.ToHashSet());
        else Assert.Equal(expected, said.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Redis_that_does_not_answer_at_once_is_not_waited_for()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await using var cli = await CreateAsync();
        cli.Variables["GRISTMILL_COMPLETION_MS"] = "50";
        cli.Variables["REDIS_URL"] = $"redis://127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}";
        var result = await cli.RunAsync("[suggest]", "gristmill queues show ").WaitAsync(TimeSpan.FromSeconds(4), Stop);
        Assert.Equal((0, "", ""), (result.Status, result.Out, result.Error));
    }

    [Fact]
    public async Task Bash_completes_commands_and_queues_with_colons()
    {
        await using var cli = await CreateAsync();

        // As bash itself calls it: COMP_WORDS are cut at colons, and so must the answers be.
        const string script = """
            source <(gristmill completion bash)
            ask() { COMP_LINE=$1 COMP_POINT=${#1} COMP_CWORD=$2; shift 2; COMP_WORDS=("$@"); COMPREPLY=(); _gristmill; echo "$COMP_LINE => ${COMPREPLY[*]}"; }
            ask 'gristmill que' 1 gristmill que
            ask 'gristmill queues show tts:' 4 gristmill queues show tts :
            ask 'gristmill job show asr cl' 4 gristmill job show asr cl
            complete -p gristmill
            """;
        var environment = new Dictionary<string, string>(cli.Variables) { ["PATH"] = $"{AppContext.BaseDirectory}:{Environment.GetEnvironmentVariable("PATH")}" };
        await using var bash = await ChildProcess.StartAsync("bash", ["--norc", "-c", script], cli.Folder, environment);
        await bash.WaitForExitAsync(Faults.Support.FaultBench.Patience);

        Assert.Equal(
            "gristmill que => queues\ngristmill queues show tts: => en\ngristmill job show asr cl => clip-1\ncomplete -o bashdefault -o default -F _gristmill gristmill", bash.Output);
    }

    [Theory]
    [InlineData("zsh", "#compdef gristmill")]
    [InlineData("fish", "complete -c gristmill")]
    public async Task Other_shells_have_scripts(string shell, string part)
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        var script = (await cli.RunAsync("completion", shell)).Expect(0).Out;
        Assert.Contains(part, script, StringComparison.Ordinal);
        Assert.Contains("[suggest:", script, StringComparison.Ordinal);
    }

    private async Task<CommandFixture> CreateAsync()
    {
        var cli = await CommandFixture.CreateAsync(stores);
        cli.Variables["GRISTMILL_COMPLETION_MS"] = "10000";
        await cli.Cluster.SiloAsync();
        await cli.Cluster.SiloAsync("tts:en");
        await cli.Cluster.Queue.EnqueueRawAsync("{}"u8.ToArray(), new EnqueueOptions { Id = "clip-1" }, Stop);
        return cli;
    }

    private static async Task<string[]> SuggestAsync(CommandFixture cli, string line) =>
        (await cli.RunAsync($"[suggest:{line.Length}]", line)).Expect(0).Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}

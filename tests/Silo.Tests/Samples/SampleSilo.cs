using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Samples;

/// <summary>
/// A sample as its README has it: a redis-server, the silo in the sample's folder with the files that stand there, and the
/// README's commands in a shell. Only what a machine decides is given from outside: the server's address, the port of the
/// API, and a folder for files.
/// </summary>
internal sealed partial class SampleSilo : IAsyncDisposable
{
    private static readonly TimeSpan Patience = Faults.Support.FaultBench.Patience;
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "gristmill.dll");
    private readonly TempFolder _files = new();
    private readonly RedisServer _server;
    private readonly string _folder;
    private readonly Dictionary<string, string> _environment;
    private readonly HttpClient _http;
    private ChildProcess? _silo;

    private SampleSilo(string sample, RedisServer server, IEnumerable<string> folderVariables)
    {
        _folder = Repository.Path($"samples/{sample}");
        _server = server;
        var url = $"http://127.0.0.1:{Ports.Next()}";
        _http = new HttpClient { BaseAddress = new Uri(url), Timeout = Patience };
        _environment = new Dictionary<string, string>
        {
            ["REDIS_URL"] = $"{server.Url}/0",
            ["Gristmill__Url"] = url,
            ["GRISTMILL_URL"] = url,
            ["GRISTMILL"] = $"dotnet {Program}",
            ["FILES"] = _files.Path,
            ["PYTHONDONTWRITEBYTECODE"] = "1",
        };
        foreach (var name in folderVariables) _environment[name] = _files.Path;
    }

    private string Log => _silo?.Output ?? "";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>A server and a shell for a sample; the silo is started by <see cref="StartAsync"/>.</summary>
    /// <param name="sample">Its folder.</param>
    /// <param name="folderVariables">The README's variables that name a folder for files, as FILES does.</param>
    public static async Task<SampleSilo> CreateAsync(string sample, params string[] folderVariables) =>
        new(sample, await RedisServer.StartAsync(), folderVariables);

    /// <summary>Starts the silo and waits until it serves.</summary>
    /// <param name="prelude">What the README runs in the same shell before.</param>
    public async Task StartAsync(string prelude = ":")
    {
        // What this machine decides comes after what the prelude reads from files.
        var line = $"{prelude}; export REDIS_URL={_environment["REDIS_URL"]}; exec $GRISTMILL silo";
        _silo = await ChildProcess.StartAsync("sh", ["-c", line], _folder, _environment);
        await Eventually.TrueAsync("the silo is ready", IsReadyAsync, Patience, Stop);
    }

    /// <summary>The README's block of this name, as it stands.</summary>
    public string Block(string name) => Block("sh", name);

    /// <summary>The README's block in this language and of this name.</summary>
    public string Block(string language, string name)
    {
        var readme = File.ReadAllText(Path.Combine(_folder, "README.md"));
        return Assert.Single(FencedBlock().Matches(readme), b => (b.Groups["language"].Value, b.Groups["name"].Value) == (language, name)).Groups["lines"].Value;
    }

    /// <summary>Runs the README's block of this name.</summary>
    public Task<string> RunBlockAsync(string name) => ShellAsync(Block(name));

    /// <summary>Runs lines of a shell in the sample's folder, and gives what they say.</summary>
    public async Task<string> ShellAsync(string lines)
    {
        await using var shell = await ChildProcess.StartAsync("sh", ["-e", "-c", $"gristmill() {{ $GRISTMILL \"$@\"; }}\n{lines}"], _folder, _environment);
        await shell.WaitForExitAsync(Patience);
        Assert.True(shell.ExitCode == 0, $"Expected the exit status 0, actual {shell.ExitCode} of:\n{lines}\n{shell.Output}");
        return shell.Output;
    }

    /// <summary>Starts a shell that goes on; it has the sample's folder and variables.</summary>
    public Task<ChildProcess> StartShellAsync(string line) => ChildProcess.StartAsync("sh", ["-c", line], _folder, _environment);

    /// <summary>Runs lines of a shell again and again until they say this, which other processes bring about.</summary>
    public Task<string> ShellUntilAsync(string lines, string text) => Eventually.MatchesAsync(
        $"{lines} says {text}", () => ShellAsync(lines), said => said.Contains(text, StringComparison.Ordinal), Patience, Stop);

    /// <summary>What the API answers.</summary>
    public async Task<JsonElement> GetAsync(string path) => await _http.GetFromJsonAsync<JsonElement>(path, Stop);

    /// <summary>Waits until the queue has so many jobs in this state, and gives them in the order in which they came into it.</summary>
    public async Task<IReadOnlyList<JsonElement>> JobsAsync(string queue, string state, int count)
    {
        var jobs = await Eventually.MatchesAsync(
            $"{count} jobs of the queue {queue} are {state}",
            () => WithLogAsync(() => GetAsync($"/api/queues/{queue}/jobs?state={state}")),
            page => page.GetProperty("jobs").GetArrayLength() == count, Patience, Stop);
        return [.. jobs.GetProperty("jobs").EnumerateArray().Reverse()];
    }

    /// <summary>Waits until a job is in this state.</summary>
    public Task<JsonElement> JobAsync(string queue, string id, string state) => Eventually.MatchesAsync(
        $"the job {queue}/{id} is {state}",
        () => WithLogAsync(() => GetAsync($"/api/queues/{queue}/jobs/{id}")),
        job => job.GetProperty("state").GetString() == state, Patience, Stop);

    /// <summary>Waits until the silo's log has this text.</summary>
    public Task SaysAsync(string text) => Eventually.MatchesAsync(
        $"the log says: {text}", () => Task.FromResult(Log), log => log.Contains(text, StringComparison.Ordinal), Patience, Stop);

    /// <summary>Waits for a finding, and gives its message.</summary>
    public async Task<string> FindingAsync(string code)
    {
        var found = await Eventually.MatchesAsync(
            $"the finding {code}", () => GetAsync("/api/findings"),
            a => a.GetProperty("findings").EnumerateArray().Any(f => f.GetProperty("code").GetString() == code), Patience, Stop);
        return found.GetProperty("findings").EnumerateArray().First(f => f.GetProperty("code").GetString() == code).GetProperty("message").GetString()!;
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        if (_silo is not null)
        {
            _silo.Signal(Signals.Term);
            await _silo.WaitForExitAsync(Patience);
            await _silo.DisposeAsync();
        }

        await _server.DisposeAsync();
        _files.Dispose();
    }

    // A silo that ended would otherwise be seen only as an API that does not answer.
    private async Task<JsonElement> WithLogAsync(Func<Task<JsonElement>> look) =>
        _silo is { IsRunning: false } ? throw new InvalidOperationException($"The silo ended with {_silo.ExitCode}:\n{Log}") : await look();

    private async Task<bool> IsReadyAsync()
    {
        if (_silo is { IsRunning: false }) throw new InvalidOperationException($"The silo ended with {_silo.ExitCode}:\n{Log}");
        try
        {
            using var answer = await _http.GetAsync("/health/ready", Stop);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    [GeneratedRegex(@"```(?<language>\w+)\n(?:# (?<name>[^\n,]+)[^\n]*\n)?(?<lines>.*?)```", RegexOptions.Singleline)]
    private static partial Regex FencedBlock();
}

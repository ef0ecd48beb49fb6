using System.Text.Json;
using Gristmill.Silo.Commands;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Commands;

/// <summary>What holds for all commands: addresses, secrets, wrong calls.</summary>
public sealed class UsageTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("redis://:wrong@127.0.0.1:{0}/0", "WRONGPASS", "The user or the password in the address is wrong.")]
    [InlineData("redis://127.0.0.1:{0}/0", "NOAUTH", "It asks for a password.")]
    [InlineData("redis://:open-sesame@127.0.0.1:{0}/99", "DB index is out of range", "The number at the end of the address is the database")]
    public async Task Redis_that_refuses_is_quoted_with_what_to_do(string address, string said, string advice)
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        await using var server = await Stores.StartAsync(StoreKind.Redis, password: "open-sesame");
        foreach (var line in new[] { "queues", "enqueue asr {}" })
        {
            var result = (await cli.RunAsync([.. line.Split(' '), "--redis", address.Replace("{0}", $"{server.Port}", StringComparison.Ordinal)])).Expect(1);
            Assert.Contains(said, result.Error, StringComparison.Ordinal);
            Assert.Contains(advice, result.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("not reachable", result.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("sesame", result.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Fault_of_the_program_is_said_and_does_not_abort()
    {
        await using var cli = await CommandFixture.CreateAsync(stores, (environment, globals) =>
        {
            var command = new System.CommandLine.Command("broken", "Breaks.");
            command.SetAction(CommandRun.Action(environment, globals, (_, _) => throw new InvalidOperationException("nobody thought of \u001b[2J it")));
            return command;
        });
        var text = (await cli.RunAsync("broken")).Expect(1);
        Assert.StartsWith("error: This is a fault of gristmill itself: InvalidOperationException: nobody thought of \uFFFD[2J it", text.Error, StringComparison.Ordinal);
        Assert.Contains("   at ", text.Error, StringComparison.Ordinal);
        Assert.Equal(1, JsonDocument.Parse((await cli.RunAsync("broken", "--json")).Expect(1).Error).RootElement.GetProperty("status").GetInt32());
    }

    [Fact]
    public async Task Embedded_store_that_was_killed_is_said_with_what_to_do()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        cli.Variables.Remove("REDIS_URL");
        Directory.CreateDirectory(Path.Combine(cli.Folder, ".gristmill"));
        await File.WriteAllTextAsync(Path.Combine(cli.Folder, ".gristmill", "endpoint"), "redis://127.0.0.1:1\n", Stop);
        foreach (var line in new[] { "queues", "enqueue asr {}" })
        {
            var result = (await cli.RunAsync(line.Split(' '))).Expect(1);
            Assert.Contains("does not run any more", result.Error, StringComparison.Ordinal);
            Assert.Contains("gristmill silo --queue", result.Error, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("enqueue asr")]
    [InlineData("enqueue asr [1]")]
    [InlineData("enqueue asr {} --priority urgent")]
    [InlineData("enqueue asr {} --max-attempts x")]
    [InlineData("enqueue asr {} --max-attempts 0")]
    [InlineData("enqueue asr {} --timeout 0")]
    [InlineData("enqueue asr {} --run-at tomorrow")]
    [InlineData("enqueue a/b {}")]
    [InlineData("queues shw asr")]
    [InlineData("jobs")]
    [InlineData("dead-letters purge asr")]
    [InlineData("dead-letters purge asr --reason timeot")]
    [InlineData("dead-letters requeue asr --reason timeot")]
    [InlineData("enqueue asr {} --run-at -5")]
    [InlineData("dead-letters purge asr x --all")]
    [InlineData("dead-letters list asr --limit 0")]
    [InlineData("queues --service no/slash")]
    [InlineData("queues --redis http://localhost")]
    public async Task Command_called_wrongly_is_2_and_says_why(string line)
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        await cli.Cluster.SiloAsync();
        var result = (await cli.RunAsync(line.Split(' '))).Expect(2);
        Assert.NotEmpty(result.Error);
    }

    [Fact]
    public async Task Redis_is_found_by_flag_variable_settings_or_embedded_store()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        var url = cli.Variables["REDIS_URL"];
        cli.Variables.Remove("REDIS_URL");
        var none = (await cli.RunAsync("queues")).Expect(1);
        Assert.Contains("No Redis is given", none.Error, StringComparison.Ordinal);
        Assert.Contains("REDIS_URL", none.Error, StringComparison.Ordinal);
        Directory.CreateDirectory(Path.Combine(cli.Folder, ".gristmill"));
        await File.WriteAllTextAsync(Path.Combine(cli.Folder, ".gristmill", "endpoint"), url + "\n", Stop);
        (await cli.RunAsync("queues")).Expect(0);
        await File.WriteAllTextAsync(Path.Combine(cli.Folder, "appsettings.json"), """{"Gristmill":{"Redis":"redis://127.0.0.1:1"}}""", Stop);
        Assert.Contains("127.0.0.1:1", (await cli.RunAsync("queues")).Expect(1).Error, StringComparison.Ordinal);
        cli.Variables["Gristmill__Redis"] = url;
        (await cli.RunAsync("queues")).Expect(0);
        cli.Variables["Gristmill__Redis"] = "redis://127.0.0.1:1";
        (await cli.RunAsync("queues", "--redis", url)).Expect(0);
    }

    [Theory]
    [InlineData("queues")]
    [InlineData("doctor --seconds 0")]
    [InlineData("enqueue asr {} --json")]
    [InlineData("silo")]
    public async Task Settings_that_are_no_JSON_are_2_and_one_line_with_file_line_and_position(string line)
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        var file = Path.Combine(cli.Folder, "appsettings.json");
        await File.WriteAllTextAsync(file, "{\n  \"Gristmill\": {\n    \"Redis\": redis://localhost\n  }\n}\n", Stop);
        await using var process = await ChildProcess.StartAsync("dotnet", [Path.Combine(AppContext.BaseDirectory, "gristmill.dll"), .. line.Split(' ')], cli.Folder);
        await process.WaitForExitAsync(Faults.Support.FaultBench.Patience);

        var said = Assert.Single(process.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(2, process.ExitCode);
        Assert.Contains($"{file}, line 3, position 14: 'r' is an invalid start of a value.", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_that_is_meant_for_an_API_says_where_its_findings_are()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        var byFlag = (await cli.RunAsync("doctor", "--api", "http://127.0.0.1:1", "--seconds", "0")).Expect(2);
        cli.Variables["GRISTMILL_API"] = "http://127.0.0.1:1";
        (await cli.RunAsync("doctor", "--seconds", "0")).Expect(0);
        cli.Variables.Remove("REDIS_URL");
        var byVariable = (await cli.RunAsync("doctor", "--seconds", "0")).Expect(2);
        foreach (var said in new[] { byFlag.Error, byVariable.Error })
        {
            Assert.Contains("doctor looks at Redis itself", said, StringComparison.Ordinal);
            Assert.Contains("GET /api/findings", said, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Password_is_never_shown()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        foreach (var address in new[] { "redis://user:open-sesame@127.0.0.1:1", "redis://user:open-sesame@127.0.0.1:99999999", "http://user:open-sesame@localhost" })
        {
            var result = await cli.RunAsync("queues", "--redis", address);
            Assert.NotEqual(0, result.Status);
            Assert.DoesNotContain("sesame", result.Out + result.Error, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("queues shw asr --json", 2, "Unrecognized command or argument 'shw'. Did you mean 'show'?", "See: gristmill queues --help")]
    [InlineData("queues --jsn --json", 2, "Unrecognized command or argument '--jsn'. Did you mean '--json'?", "See: gristmill queues --help")]
    [InlineData("job --json", 2, "Required command was not provided.", "There are: list, show, watch, cancel, retry. See: gristmill job --help")]
    [InlineData("job show asr nobody --json", 1, "The queue 'asr' has no job 'nobody': there was none, its record is no longer kept, or it was pushed to the list and not admitted yet.", "gristmill queues show asr   shows what the queue has.")]
    [InlineData("enqueue asr {} --priority urgent --json", 2, "--priority is 'urgent'; it must be high, normal, low, or 0 (first) to 9.", null)]
    public async Task Error_with_json_is_one_object_on_the_error_output(string line, int status, string said, string? hint)
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        await cli.Cluster.SiloAsync();
        var result = (await cli.RunAsync(line.Split(' '))).Expect(status);
        var error = JsonDocument.Parse(Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries))).RootElement;

        Assert.Empty(result.Out);
        Assert.Equal((said, status), (error.GetProperty("error").GetString(), error.GetProperty("status").GetInt32()));
        Assert.Equal(hint, error.TryGetProperty("hint", out var told) ? told.GetString() : null);
    }

    [Fact]
    public async Task Warning_with_json_is_an_object_too()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        var result = (await cli.RunAsync("enqueue", "asr", "{}", "--json")).Expect(0);
        Assert.Equal("No silo serves the queue 'asr' now; the job waits until one does.", JsonDocument.Parse(result.Error).RootElement.GetProperty("warning").GetString());
    }

    [Fact]
    public async Task Id_that_is_alike_or_in_another_queue_is_offered_and_another_number_is_not()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        await cli.Cluster.SiloAsync();
        await cli.Cluster.SiloAsync("tts");
        (await cli.RunAsync("enqueue", "asr", "{}", "--id", "clip-17")).Expect(0);
        foreach (var (id, meant) in new[] { ("clip17", true), ("clp-17", true), ("cli", true), ("clip-18", false) })
        {
            Assert.Equal(meant, (await cli.RunAsync("job", "show", "asr", id)).Expect(1).Error.Contains("Did you mean 'clip-17'?", StringComparison.Ordinal));
        }

        Assert.Contains("The queue 'asr' has a job with this id: gristmill job show asr clip-17", (await cli.RunAsync("job", "show", "tts", "clip-17")).Expect(1).Error, StringComparison.Ordinal);
        Assert.Contains("There is no queue 'nowhere'", (await cli.RunAsync("job", "cancel", "nowhere", "clip-17")).Expect(1).Error, StringComparison.Ordinal);
    }
}

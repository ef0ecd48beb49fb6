using System.Text.Json;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Commands;

/// <summary>What is watched: <c>--watch</c>, <c>sessions watch</c>.</summary>
public sealed class LiveViewTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static readonly TimeSpan Limit = Faults.Support.FaultBench.Patience;

    // SIGINT, which a terminal sends for Ctrl-C.
    private const int Interrupt = 2;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Queues_watched_are_a_line_of_JSON_a_look_with_what_came_and_went()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        var silo = await cli.Cluster.SiloAsync();
        var lines = new SignalWriter();
        var watch = cli.RunAsync(lines, null, "queues", "--watch", "--every", "0.1", "--looks", "200", "--json");
        await lines.WaitForAsync("\"inPerSecond\":null");
        for (var n = 0; n < 3; n++) await cli.Cluster.Queue.EnqueueRawAsync("{}"u8.ToArray(), cancellationToken: Stop);
        await silo.CompleteAsync(await silo.StartOneAsync());
        await lines.WaitForAsync("\"completed\":1");
        await cli.StopAsync();
        (await watch.WaitAsync(Limit, Stop)).Expect(0);
        var looks = lines.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement.GetProperty("queues")[0]).ToList();

        // Each rate is over the time to the look before: what came is the sum of them all, in jobs and not in jobs a second.
        Assert.Contains(looks, l => l.GetProperty("inPerSecond") is { ValueKind: JsonValueKind.Number } rate && rate.GetDouble() > 0);
        Assert.Contains(looks, l => l.GetProperty("outPerSecond") is { ValueKind: JsonValueKind.Number } rate && rate.GetDouble() > 0);
        Assert.Equal("asr", looks[^1].GetProperty("name").GetString());
    }

    [Theory]
    [InlineData("queues --watch --every 0.1")]
    [InlineData("queues --watch --every 0.1 --json")]
    public async Task Command_whose_reader_has_gone_ends(string line)
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        await cli.Cluster.SiloAsync();
        var program = Path.Combine(AppContext.BaseDirectory, "gristmill.dll");
        await using var shell = await ChildProcess.StartAsync(
            "bash", ["-c", $"dotnet {program} {line} | head -1; echo status ${{PIPESTATUS[0]}}"], cli.Folder, cli.Variables);
        await shell.WaitForExitAsync(Limit);
        var said = shell.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal((2, "status 141"), (said.Length, said[^1]));
    }

    [Fact]
    public async Task Watching_without_a_terminal_writes_a_line_a_queue_and_goes_on_while_Redis_is_away()
    {
        await using var server = await RedisServer.StartAsync();
        await using var proxy = TcpProxy.Start(server.Port);
        await using var cli = await CommandFixture.CreateAsync(stores);
        cli.Variables["REDIS_URL"] = proxy.Url;
        cli.Variables["Gristmill__Service"] = "default";
        (await cli.RunAsync("enqueue", "asr", "{}")).Expect(0);
        var (lines, errors) = (new SignalWriter(), new SignalWriter());
        var watch = cli.RunAsync(lines, null, errors, "queues", "--watch", "--every", "0.1");
        await lines.WaitForAsync("asr open  listed 0  queued 1  running 0  retrying 0  dead 0  in/s 0.0  out/s 0.0");
        await proxy.RefuseNewAsync();
        proxy.Cut();
        await errors.WaitForAsync("Trying again.");
        proxy.AcceptNew();
        (await cli.RunAsync("enqueue", "asr", "{}")).Expect(0);
        await lines.WaitForAsync("queued 2");
        await cli.StopAsync();
        var result = (await watch.WaitAsync(Limit, Stop)).Expect(0);
        Assert.Single(errors.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.DoesNotContain('\u001b', result.Out);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Watching_on_a_terminal_draws_in_place_and_ends_by_Ctrl_C_with_0(bool isPlain)
    {
        Tools.Require(Tools.Script);
        await using var cli = await CommandFixture.CreateAsync(stores);
        var silo = await cli.Cluster.SiloAsync();
        await cli.Cluster.Queue.EnqueueRawAsync("{}"u8.ToArray(), cancellationToken: Stop);
        await silo.BuryAllAsync();
        var said = new SignalWriter();
        var program = Path.Combine(AppContext.BaseDirectory, "gristmill.dll");
        var environment = new Dictionary<string, string>(cli.Variables) { ["TERM"] = "xterm-256color" };
        if (isPlain) environment["NO_COLOR"] = "1";

        // The terminal is 80 wide: of the columns those go in which nothing stands.
        await using var watch = await ChildProcess.StartAsync(
            Tools.Script.Program, ["-qfec", $"stty cols 80 rows 24; echo child $$; exec dotnet '{program}' queues --watch --every 0.2", "/dev/null"], cli.Folder, environment, said.WriteLine);
        await said.WaitForAsync("Ctrl-C ends");
        var child = watch.Output.Split('\n').First(l => l.StartsWith("child ", StringComparison.Ordinal));
        Signals.Send(int.Parse(child.Trim()[6..], System.Globalization.CultureInfo.InvariantCulture), Interrupt);
        await watch.WaitForExitAsync(Limit);

        Assert.Equal(0, watch.ExitCode);
        Assert.Contains("\u001b[", watch.Output, StringComparison.Ordinal);

        // Dead letters are red.
        Assert.Equal(!isPlain, watch.Output.Contains("\u001b[38;5;9m1", StringComparison.Ordinal));
        Assert.Contains("IN/S", watch.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("SCHEDULED", watch.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Session_is_followed_until_it_is_over()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        var silo = await cli.Cluster.SiloAsync();
        await silo.PolicyAsync(new Store.Sessions.SessionPolicy());
        (await cli.RunAsync("enqueue", "asr", """{"session_id":"s1","session_total":1}""")).Expect(0);
        var lines = new SignalWriter();
        var watch = cli.RunAsync(lines, null, "sessions", "watch", "asr", "s1", "--every", "0.1");
        await lines.WaitForAsync("s1 open");
        await silo.CompleteAsync(await silo.StartOneAsync());
        (await cli.RunAsync("sessions", "end", "asr", "s1")).Expect(0);
        await silo.Store.StepSessionsAsync(100, Stop);
        await lines.WaitForAsync("s1 completed");
        (await watch.WaitAsync(Limit, Stop)).Expect(0);
    }

    [Theory]
    [InlineData("queues --watch --every 0", "--every is 0; it must be 0.1 to 3600 seconds.")]
    [InlineData("silos --watch --looks 0", "--looks is 0; it must be 1 to 1000000.")]
    [InlineData("gpus --every 2", "--every and --looks go with --watch.")]
    public async Task Pace_out_of_its_bounds_is_2(string line, string said)
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        Assert.Contains(said, (await cli.RunAsync(line.Split(' '))).Expect(2).Error, StringComparison.Ordinal);
    }
}

using Gristmill.Client;
using Gristmill.Redis;
using Gristmill.Samples.Handler;
using Gristmill.Silo.Tests.Faults.Support;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Hosting;

/// <summary>A silo with an assembly that it does not know: the sample that README shows.</summary>
public sealed class HandlerAssembliesTests
{
    private static readonly string[] Words = ["--queue", "words", "--list", "words_in", "--handler", "count_words", "--handlers"];

    [Fact]
    public async Task Assembly_is_found_from_the_current_folder_and_registers_its_services()
    {
        var stop = TestContext.Current.CancellationToken;
        await using var bench = await FaultBench.StartAsync();
        var file = Path.GetRelativePath(bench.Folder, typeof(CountWords).Assembly.Location);
        await bench.Redis.ExecuteAsync(
            new RedisCommand("RPUSH", "words_in", """{"job_id":"w-1","session_id":"s1","chunk":7,"transcript":"to be or not to be"}"""), stop);
        await bench.StartSiloAsync(new SiloSettings { Arguments = [.. Words, file], More = new Dictionary<string, string> { ["StopWords"] = "to or" } });

        await using var client = GristmillClient.Connect(new GristmillClientOptions { Redis = bench.Server.Url, Service = FaultBench.Service });
        var words = client.Queue("words");
        var job = await Eventually.MatchesAsync("the job ends", () => words.GetAsync("w-1", stop), j => j is { IsFinished: true }, FaultBench.Patience, stop);
        Assert.Equal(new WordCount(3), job!.GetResult<WordCount>());
    }

    [Theory]
    [InlineData("nowhere.dll", "Gristmill:HandlerAssemblies:1 is 'nowhere.dll'; it must be a file that exists")]
    [InlineData("/bin/sh", "Gristmill:HandlerAssemblies:1 is '/bin/sh': The assembly /bin/sh cannot be used: ")]
    public async Task Assembly_that_is_unusable_is_2_and_names_the_option(string file, string said)
    {
        await using var bench = await FaultBench.StartAsync();
        var silo = await bench.StartSiloAsync(new SiloSettings { Arguments = [.. Words, file] }, waitUntilReady: false);
        await silo.WaitForExitAsync();
        Assert.Equal(2, silo.ExitCode);
        Assert.StartsWith($"gristmill: {said}", Assert.Single(silo.Lines("gristmill:")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Readme_shows_the_sample()
    {
        var stop = TestContext.Current.CancellationToken;
        var sample = await File.ReadAllTextAsync(Repository.Path("samples/handler/CountWords.cs"), stop);
        Assert.Contains($"```csharp\n{sample}```", await File.ReadAllTextAsync(Repository.Path("README.md"), stop), StringComparison.Ordinal);
    }
}

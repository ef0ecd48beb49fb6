using Gristmill.Store;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Commands;

/// <summary><c>gristmill scripts export</c></summary>
public sealed class ScriptsCommandTests(SharedStores stores) : IClassFixture<SharedStores>
{
    [Fact]
    public async Task Scripts_are_written_to_the_output_or_to_a_file_and_need_no_Redis()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        cli.Variables["REDIS_URL"] = "redis://127.0.0.1:1";
        var written = (await cli.RunAsync("scripts", "export")).Expect(0);
        (await cli.RunAsync("scripts", "export", "--output", "scripts.json")).Expect(0);

        Assert.Equal(written.Out, await File.ReadAllTextAsync(Path.Combine(cli.Folder, "scripts.json"), TestContext.Current.CancellationToken));
        Assert.Equal(RedisKeys.Protocol, written.Json.GetProperty("protocol").GetString());
        Assert.Equal(ClientScripts.Verbs, written.Json.GetProperty("scripts").EnumerateObject().Select(s => s.Name));
        Assert.Contains("cannot be written", (await cli.RunAsync("scripts", "export", "--output", "nowhere/scripts.json")).Expect(1).Error, StringComparison.Ordinal);
    }
}

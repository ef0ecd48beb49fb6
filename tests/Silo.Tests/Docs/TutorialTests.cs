using System.Text;
using System.Text.RegularExpressions;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Docs;

/// <summary>
/// docs/tutorial.md as it stands: its sh blocks in order, in one shell and a fresh folder, on a redis-server of its own; a text block
/// behind one is what that says. There … stands for anything within a line, on a line alone for any lines, and a run of blanks is one blank.
/// </summary>
public sealed partial class TutorialTests
{
    private const string Mark = "@@ end of block ";

    [Fact]
    public async Task Tutorial_says_what_it_shows()
    {
        Tools.RequirePythonModule("redis", "python3-redis");
        var blocks = Blocks(await File.ReadAllTextAsync(Repository.Path("docs/tutorial.md"), TestContext.Current.CancellationToken));
        Assert.True(blocks.Count >= 12, $"Expected at least 12 blocks of commands, actual {blocks.Count}.");
        using var folder = new TempFolder();
        await using var server = await RedisServer.StartAsync();
        var said = await RunAsync(blocks, folder, server);

        for (var n = 0; n < blocks.Count; n++)
        {
            var (commands, shown) = blocks[n];
            if (shown is not null) Assert.True(Means(shown, said[n]), $"Expected of:\n{commands}\n--- this:\n{shown}\n--- actual:\n{said[n]}");
        }
    }

    [Theory]
    [InlineData("a …\nc", "a b\nc", true)]
    [InlineData("a …\nc", "a b\nx\nc", false)]
    [InlineData("a\n…\nc", "a\nc", true)]
    [InlineData("a\n…\nc", "a\nx\ny\nc", true)]
    [InlineData("…\nc", "a\nc", true)]
    [InlineData("a\n…", "a", true)]
    [InlineData("a  b", "a b", true)]
    [InlineData("a (b)", "a b", false)]
    public void Shown_text_means_what_the_page_says(string shown, string said, bool means) => Assert.Equal(means, Means(shown, said));

    // What each block said.
    private static async Task<IReadOnlyList<string>> RunAsync(List<(string Commands, string? Shown)> blocks, TempFolder folder, RedisServer server)
    {
        var bin = Directory.CreateDirectory(folder.File("bin")).FullName;
        var program = Path.Combine(bin, "gristmill");
        File.WriteAllText(program, $"#!/bin/sh\nexec dotnet {Path.Combine(AppContext.BaseDirectory, "gristmill.dll")} \"$@\"\n");
        var script = new StringBuilder("exec 2>&1\nset -e\nchmod +x bin/gristmill\ntrap 'kill $SILO 2>/dev/null || true' EXIT\n");
        foreach (var (commands, _) in blocks) script.Append(commands).Append($"\necho '{Mark}'\n");
        File.WriteAllText(folder.File("tutorial.sh"), script.ToString());
        var lines = new List<string>();
        await using var shell = await ChildProcess.StartAsync(
            "bash", [folder.File("tutorial.sh")], folder.Path,
            new Dictionary<string, string>
            {
                ["PATH"] = $"{bin}:{Environment.GetEnvironmentVariable("PATH")}",
                ["GRISTMILL_HOME"] = Repository.Path(""),
                ["REDIS_URL"] = $"{server.Url}/0",
                ["Gristmill__Url"] = $"http://127.0.0.1:{Ports.Next()}",
                ["PYTHONDONTWRITEBYTECODE"] = "1",
            },
            lines.Add);
        await shell.WaitForExitAsync(Faults.Support.FaultBench.Patience * 4);
        var said = string.Join('\n', lines).Split(Mark).Select(s => s.Trim('\n')).ToList();
        Assert.True(
            shell.ExitCode == 0 && said.Count == blocks.Count + 1,
            $"The shell ended with {shell.ExitCode} in this block:\n{blocks[Math.Min(said.Count, blocks.Count) - 1].Commands}\n--- which said:\n{said[^1]}\n--- the silo's log:\n{Log(folder)}");
        return said;
    }

    private static string Log(TempFolder folder)
    {
        var log = folder.File("first-mill/silo.log");
        return File.Exists(log) ? string.Join('\n', File.ReadLines(log).TakeLast(30)) : "(none)";
    }

    private static List<(string Commands, string? Shown)> Blocks(string page) =>
        [.. Block().Matches(page).Select(b => (b.Groups["commands"].Value, b.Groups["shown"].Success ? b.Groups["shown"].Value : null))];

    private static bool Means(string shown, string said)
    {
        var pattern = string.Concat(OneBlank(shown).Split('\n').Select(line => line == "…" ? "(?:[^\n]*\n)*" : Regex.Escape(line).Replace("…", "[^\n]*", StringComparison.Ordinal) + "\n"));
        return Regex.IsMatch(OneBlank(said) + "\n", $"^{pattern}$", RegexOptions.None, TimeSpan.FromSeconds(5));
    }

    private static string OneBlank(string text) => string.Join('\n', text.Trim('\n').Split('\n').Select(l => Blanks().Replace(l, " ").Trim()));

    [GeneratedRegex("```sh\n(?<commands>.*?)\n```\n(?:```text\n(?<shown>.*?)\n```\n)?", RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(" +")]
    private static partial Regex Blanks();
}

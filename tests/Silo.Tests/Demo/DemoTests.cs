using System.Text.Json;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Demo;

/// <summary>The README's first command, as it stands: the main job on the embedded store.</summary>
public sealed class DemoTests
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "gristmill.dll");

    [Fact]
    public async Task Demo_asJson_endsWithEveryJobAsItShould()
    {
        using var folder = new TempFolder();
        var lines = new List<string>();
        await using var demo = await ChildProcess.StartAsync("dotnet", [Program, "demo", "--json"], folder.Path, onLine: Keep);
        await demo.WaitForExitAsync(TimeSpan.FromSeconds(90));

        Assert.True(demo.ExitCode == 0, demo.Output);
        string json;
        lock (lines) json = Assert.Single(lines);
        var summary = JsonDocument.Parse(json).RootElement;
        Assert.True(summary.GetProperty("asExpected").GetBoolean());
        // Thirteen chunks, and their transcripts where there is a Python.
        Assert.Equal(13 * summary.GetProperty("queues").GetArrayLength(), summary.GetProperty("completed").GetInt32());
        Assert.Equal(2, summary.GetProperty("dead").GetInt32());
        Assert.True(summary.GetProperty("retried").GetInt32() >= 2, json);
        Assert.Equal(4, summary.GetProperty("sessions").GetArrayLength());

        void Keep(string line)
        {
            lock (lines) lines.Add(line);
        }
    }

    [Fact]
    public async Task Demo_forPeople_showsTablesAndWhatToDoNext()
    {
        using var folder = new TempFolder();
        await using var demo = await ChildProcess.StartAsync("dotnet", [Program, "demo"], folder.Path);
        await demo.WaitForExitAsync(TimeSpan.FromSeconds(90));

        Assert.True(demo.ExitCode == 0, demo.Output);
        Assert.Contains("Every job ended as it should", demo.Output, StringComparison.Ordinal);
        Assert.Contains("lecture-03", demo.Output, StringComparison.Ordinal);
        Assert.Contains("gristmill queues", demo.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', demo.Output);
    }
}

using System.Text.RegularExpressions;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Docs;

/// <summary>The programs in C# that pages show are built as they stand. (The handler that README shows is a sample, built with the rest.)</summary>
public sealed partial class SnippetTests
{
    [Theory]
    [InlineData("README.md")]
    [InlineData("Client/README.md")]
    public async Task Program_of_the_client_builds(string page)
    {
        var text = await File.ReadAllTextAsync(Repository.Path(page), TestContext.Current.CancellationToken);
        var program = Assert.Single(Snippet().Matches(text).Select(m => m.Groups[1].Value), s => s.Contains("GristmillClient.Connect", StringComparison.Ordinal));
        using var folder = new TempFolder();
        await File.WriteAllTextAsync(
            folder.File("program.cs"), $"#:project {Repository.Path("Client")}\n#:property PublishAot=false\n{program}", TestContext.Current.CancellationToken);
        await using var dotnet = await ChildProcess.StartAsync("dotnet", ["build", "-c", "Release", "program.cs"], folder.Path);
        await dotnet.WaitForExitAsync(Faults.Support.FaultBench.Patience * 4);
        Assert.True(dotnet.ExitCode == 0, $"{page}:\n{program}\n{dotnet.Output}");
    }

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Snippet();
}

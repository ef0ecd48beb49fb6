using System.IO.Compression;
using System.Xml.Linq;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Client;

/// <summary>The package that services reference, as <c>dotnet pack Client</c> makes it.</summary>
public sealed class PackageTests
{
    // Given to what is restored from the packed files alone: no cache on this machine may answer in their place.
    private static readonly string Version = $"0.0.{Environment.ProcessId}-test";

    private static readonly string Configuration = AppContext.BaseDirectory.Contains("/Debug/", StringComparison.Ordinal) ? "Debug" : "Release";

    [Fact]
    public async Task Packages_have_readme_license_documentation_and_symbols_and_serve_a_fresh_project()
    {
        using var folder = new TempFolder();
        await PackAsync(folder);
        using var package = Open(folder, "Gristmill.Client", "nupkg");
        var files = package.Entries.Select(e => e.FullName).ToList();
        var nuspec = XDocument.Load(package.Entries.Single(e => e.Name == "Gristmill.Client.nuspec").Open()).Root!.Elements().Single();
        string? Said(string name) => nuspec.Elements().SingleOrDefault(e => e.Name.LocalName == name)?.Value;

        Assert.Superset(new HashSet<string> { "README.md", "lib/net10.0/Gristmill.Client.dll", "lib/net10.0/Gristmill.Client.xml" }, files.ToHashSet());
        Assert.Equal(("MIT", "README.md", "The Gristmill authors"), (Said("license"), Said("readme"), Said("authors")));
        Assert.StartsWith("Client of Gristmill", Said("description"), StringComparison.Ordinal);
        var needs = nuspec.Descendants().Where(e => e.Name.LocalName == "dependency").ToDictionary(d => d.Attribute("id")!.Value, d => d.Attribute("version")!.Value);
        Assert.Equal(Version, needs["Gristmill.Store"]);
        Assert.DoesNotContain(needs.Keys, id => id.Contains("AspNetCore", StringComparison.Ordinal) || id.Contains("ILLink", StringComparison.Ordinal) || id.Contains("Analyzers", StringComparison.Ordinal));
        foreach (var id in new[] { "Gristmill.Client", "Gristmill.Store", "Gristmill.Redis" })
        {
            using var symbols = Open(folder, id, "snupkg");
            Assert.Contains(symbols.Entries, e => e.FullName == $"lib/net10.0/{id}.pdb");
        }

        if (Faults.Support.FaultBench.Long) await EnqueueFromFreshProjectAsync(folder);
    }

    // A project outside the repository that has the packages alone. It restores and builds: for the long form.
    private static async Task EnqueueFromFreshProjectAsync(TempFolder folder)
    {
        await using var server = await RedisServer.StartAsync();
        File.WriteAllText(folder.File("nuget.config"), $"""<configuration><packageSources><add key="packed" value="{folder.Path}" /></packageSources></configuration>""");
        File.WriteAllText(folder.File("Fresh.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings><TreatWarningsAsErrors>true</TreatWarningsAsErrors></PropertyGroup>
              <ItemGroup><PackageReference Include="Gristmill.Client" Version="{Version}" /></ItemGroup>
            </Project>
            """);
        File.WriteAllText(folder.File("Program.cs"), """
            using Gristmill.Client;
            using Microsoft.Extensions.Logging.Abstractions;
            await using var client = GristmillClient.Connect(new GristmillClientOptions { Redis = args[0] }, NullLoggerFactory.Instance);
            var job = await client.Queue("orders").EnqueueAsync(new { Price = 3 }, new EnqueueOptions { Id = "o-1" });
            Console.WriteLine((await job.GetAsync())!.State);
            """);
        Assert.Contains("Queued", await RunAsync(folder.Path, "run", "-c", "Release", "--", server.Url), StringComparison.Ordinal);
        Directory.EnumerateDirectories(Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget/packages"), "gristmill.*")
            .Select(d => Path.Combine(d, Version)).Where(Directory.Exists).ToList().ForEach(d => Directory.Delete(d, recursive: true));
    }

    private static Task<string> PackAsync(TempFolder folder) =>
        RunAsync(Repository.Path(""), "pack", "Client", "--no-build", "-c", Configuration, "-o", folder.Path, $"-p:PackageVersion={Version}", "--nologo");

    private static ZipArchive Open(TempFolder folder, string id, string kind) => ZipFile.OpenRead(folder.File($"{id}.{Version}.{kind}"));

    private static async Task<string> RunAsync(string folder, params string[] arguments)
    {
        await using var dotnet = await ChildProcess.StartAsync("dotnet", arguments, folder);
        await dotnet.WaitForExitAsync(Faults.Support.FaultBench.Patience * 4);
        Assert.True(dotnet.ExitCode == 0, $"dotnet {string.Join(' ', arguments)} ended with {dotnet.ExitCode}:\n{dotnet.Output}");
        return dotnet.Output;
    }
}

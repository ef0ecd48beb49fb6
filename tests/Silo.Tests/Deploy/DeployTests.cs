using System.Globalization;
using System.Text.RegularExpressions;
using Gristmill.Grains.Options;
using Gristmill.Silo.Tests.Faults.Support;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Deploy;

/// <summary>What stands under deploy/ agrees with the silo: paths, options, times.</summary>
public sealed partial class DeployTests
{
    // What a silo that stops may need beyond ShutdownSeconds and a lease: handlers that do not end, and the host.
    private const double Grace = 10;
    private const string Unit = "deploy/systemd/gristmill@.service";
    private static readonly double LongestStop = new GristmillOptions().ShutdownSeconds + new GristmillOptions().LeaseSeconds + Grace;

    [Fact]
    public async Task Unit_is_one_that_systemd_takes_and_calls_safe()
    {
        Tools.Require(Tools.SystemdAnalyze);
        using var folder = new TempFolder();
        var program = Path.Combine(folder.Path, "gristmill");

        // Something that can be executed must stand where the unit says.
        File.Copy("/bin/true", program);
        var unit = Path.Combine(folder.Path, "gristmill@.service");
        var text = await File.ReadAllTextAsync(Repository.Path(Unit), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(unit, text.Replace("/opt/gristmill/gristmill", program, StringComparison.Ordinal), TestContext.Current.CancellationToken);

        foreach (string[] check in (string[][])[["verify", unit], ["security", "--offline=true", "--threshold=20", unit]])
        {
            await using var analyze = await ChildProcess.StartAsync("systemd-analyze", check);
            await analyze.WaitForExitAsync(TimeSpan.FromSeconds(60));
            Assert.True(analyze.ExitCode == 0, $"systemd-analyze {string.Join(' ', check)}: {analyze.Output}");
        }
    }

    [Theory]
    [InlineData(Unit, @"TimeoutStopSec=(\d+)")]
    [InlineData("deploy/docker/compose.yaml", @"stop_grace_period: (\d+)s")]
    [InlineData("deploy/README.md", @"both files here give (\d+) s")]
    public void Stop_time_is_longer_than_a_silo_needs(string file, string pattern)
    {
        var seconds = double.Parse(Regex.Match(File.ReadAllText(Repository.Path(file)), pattern).Groups[1].Value, CultureInfo.InvariantCulture);
        Assert.True(seconds > LongestStop, $"{file} gives {seconds} s; a silo with the default options may need {LongestStop} s.");
    }

    [Theory]
    [InlineData("deploy/README.md")]
    [InlineData("deploy/systemd/gristmill.env")]
    [InlineData("deploy/docker/compose.yaml")]
    [InlineData(Unit)]
    public void Options_that_are_named_exist(string file)
    {
        foreach (Match name in OptionName().Matches(File.ReadAllText(Repository.Path(file))))
        {
            var type = typeof(GristmillOptions);
            var words = name.Value.Split("__").Skip(1).ToList();
            for (var i = 0; i < words.Count && type != typeof(string); i++)
            {
                // An item of a list, or a member of a dictionary.
                if (type.IsGenericType || type.IsArray)
                {
                    type = type.GetElementType() ?? type.GetGenericArguments()[^1];
                    continue;
                }

                var property = type.GetProperty(words[i]);
                Assert.True(property is not null, $"{file} names {name.Value}; {type.Name} has no {words[i]}.");
                type = property.PropertyType;
            }
        }
    }

    [Fact]
    public async Task Silo_that_the_Dockerfile_publishes_runs()
    {
        var publish = PublishCommand().Match(await File.ReadAllTextAsync(Repository.Path("deploy/docker/Dockerfile"), TestContext.Current.CancellationToken));
        Assert.True(publish.Success, "the Dockerfile publishes the silo");
        using var folder = new TempFolder();
        string[] words = ["publish", Repository.Path("Silo"), "-c", "Release", "-o", folder.Path, "--no-restore", "--no-build", "-nodeReuse:false", .. EngineUnderTest.BuildArguments];
        await using var build = await ChildProcess.StartAsync("dotnet", words);
        await build.WaitForExitAsync(TimeSpan.FromMinutes(5));
        Assert.True(build.ExitCode == 0, build.Output);

        await using var silo = await ChildProcess.StartAsync(Path.Combine(folder.Path, "gristmill"), ["--version"], folder.Path);
        await silo.WaitForExitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(0, silo.ExitCode);
        Assert.Matches(@"^\d+\.\d+\.\d+", silo.Output);
        Assert.True(File.Exists(Path.Combine(folder.Path, "garnet", "GarnetServer.dll")), "the embedded store comes with it");
    }

    [GeneratedRegex(@"Gristmill(__[A-Za-z0-9]+)+")]
    private static partial Regex OptionName();

    [GeneratedRegex(@"RUN dotnet publish Silo -c Release -o /app")]
    private static partial Regex PublishCommand();
}

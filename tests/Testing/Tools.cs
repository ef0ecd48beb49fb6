using System.Diagnostics;

namespace Gristmill.Testing;

/// <summary>
/// Programs that tests need and a bare machine lacks: the one place for what happens then. A test whose tool is missing is
/// skipped with the tool's name, and fails where nothing may be skipped (CI=true). Needed on every machine are only the
/// .NET SDK and what a Linux has anyway (sh, util-linux).
/// </summary>
public static class Tools
{
    public static readonly Tool RedisServer = new("redis-server", "redis-server");
    public static readonly Tool RedisSentinel = new("redis-sentinel", "redis-sentinel");
    public static readonly Tool Python = new("python3", "python3");
    public static readonly Tool Node = new("node", "nodejs");

    /// <summary>Speaks.</summary>
    public static readonly Tool EspeakNg = new("espeak-ng", "espeak-ng");
    public static readonly Tool Promtool = new("promtool", "prometheus");

    /// <summary>Calls the API of a sample as its README does.</summary>
    public static readonly Tool Curl = new("curl", "curl");

    /// <summary>A browser, and what drives it.</summary>
    public static readonly Tool Chromium = new("chromium", "chromium");
    public static readonly Tool ChromeDriver = new("chromedriver", "chromium-driver");

    /// <summary>Checks unit files.</summary>
    public static readonly Tool SystemdAnalyze = new("systemd-analyze", "systemd");

    /// <summary>Network namespaces.</summary>
    public static readonly Tool Ip = new("ip", "iproute2");

    /// <summary>A pseudo-terminal from the shell: script, of util-linux.</summary>
    public static readonly Tool Script = new("script", "bsdutils");

    /// <summary>Debian's own interpreter, which has Debian's packages.</summary>
    public const string SystemPython = "/usr/bin/python3";

    /// <summary>Whether a program of this name is in the PATH.</summary>
    public static bool Has(string program) => Folders().Any(folder => File.Exists(Path.Combine(folder, program)));

    /// <summary>Goes on only where the tool is.</summary>
    /// <exception cref="MissingToolException">It is not: the test is skipped, or fails where CI=true.</exception>
    public static void Require(Tool tool)
    {
        if (!Has(tool.Program)) throw new MissingToolException(tool.Program, Install(tool.Package));
    }

    /// <summary>Goes on only where <see cref="SystemPython"/> has this module.</summary>
    /// <exception cref="MissingToolException">It has not: the test is skipped, or fails where CI=true.</exception>
    public static void RequirePythonModule(string module, string package)
    {
        if (!File.Exists(SystemPython)) throw new MissingToolException(SystemPython, Install(Python.Package));
        using var python = Process.Start(new ProcessStartInfo(SystemPython, ["-c", $"import {module}"]) { RedirectStandardError = true })!;
        python.StandardError.ReadToEnd();
        python.WaitForExit();
        if (python.ExitCode != 0) throw new MissingToolException($"the Python module {module}", Install(package));
    }

    private static string Install(string package) => $"apt-get install {package}";

    private static string[] Folders() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
}

/// <summary>A program and the Debian package that it comes with.</summary>
public sealed record Tool(string Program, string Package);

/// <summary>A tool is missing. Its message begins with what xunit takes for a skipped test, unless CI=true.</summary>
/// <param name="tool">What is missing.</param>
/// <param name="remedy">How to get it, or who refuses it.</param>
public sealed class MissingToolException(string tool, string remedy)
    : Exception($"{(Environment.GetEnvironmentVariable("CI") == "true" ? "CI=true skips no test, and " : SkipToken)}{tool} is missing ({remedy})")
{
    // Xunit.v3.DynamicSkipToken.Value, which is xunit's contract for libraries that do not reference it.
    private const string SkipToken = "$XunitDynamicSkip$";
}

using Microsoft.Extensions.Logging.Console;

namespace Gristmill.Silo.Hosting;

/// <summary>How a silo writes its log: a line each, with the time.</summary>
internal static class ConsoleLog
{
    public static void Form(SimpleConsoleFormatterOptions console)
    {
        console.SingleLine = true;
        console.TimestampFormat = "HH:mm:ss ";
        console.ColorBehavior = Console.IsOutputRedirected ? LoggerColorBehavior.Disabled : LoggerColorBehavior.Default;
    }
}

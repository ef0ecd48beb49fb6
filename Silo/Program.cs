using Gristmill.Silo.Demo;
using Spectre.Console;

return await new DemoCommand(AnsiConsole.Console, args.Contains("--json"), TimeProvider.System).RunAsync(CancellationToken.None);

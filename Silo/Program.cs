using System.CommandLine;
using Gristmill.Silo.Demo;
using Gristmill.Silo.Hosting;

// The executable: `silo` runs one, `demo` shows one; the other commands look at a cluster from outside.
var root = new RootCommand("Gristmill: durable, observable jobs from Redis lists.");
root.Subcommands.Add(SiloCommand.Create());
root.Subcommands.Add(DemoCommand.Create());

// A silo ends in its own time; the host listens to SIGTERM and SIGINT itself.
var invocation = new InvocationConfiguration { ProcessTerminationTimeout = null };
var parsed = root.Parse(args);
return parsed.Errors.Count > 0 ? await Usage(parsed) : await parsed.InvokeAsync(invocation);

static async Task<int> Usage(ParseResult parsed)
{
    await parsed.InvokeAsync();
    return 2;
}

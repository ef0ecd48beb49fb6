using System.CommandLine;
using Gristmill.Silo.Commands;
using Gristmill.Silo.Configuration;

namespace Gristmill.Silo.Hosting;

/// <summary>
/// The flags of `gristmill silo`: the usual ones; everything else is configuration. --redis and --service are options of all
/// commands.
/// </summary>
internal sealed class SiloFlags(GlobalOptions globals)
{
    private readonly Option<string?> _url = new("--url") { Description = "Where the HTTP API listens. Default: http://127.0.0.1:8080." };
    private readonly Option<bool> _insecure = new("--insecure") { Description = "Let the HTTP API be open on an address that others reach." };
    private readonly Option<string?> _folder = new("--folder") { Description = "The embedded store's folder. Default: ./.gristmill." };
    private readonly Option<string?> _queue = new("--queue") { Description = "The queue that the flags below are about." };
    private readonly Option<string?> _list = new("--list") { Description = "The list that producers push to. Default: the queue's name." };
    private readonly Option<string?> _handler = new("--handler") { Description = "The C# handler, by name." };
    private readonly Option<string[]> _handlers = new("--handlers") { Description = "Assemblies with handlers.", AllowMultipleArgumentsPerToken = true };
    private readonly Option<string?> _worker = new("--worker") { Description = "The worker's command line, in quotes: 'python3 worker.py'." };
    private readonly Option<int?> _workers = new("--workers") { Description = "How many worker processes. Default: 1." };
    private readonly Option<int?> _concurrency = new("--concurrency") { Description = "Jobs at once on this silo. Default: 100." };
    private readonly Option<double?> _timeout = new("--timeout") { Description = "Seconds for one attempt. Default: 300." };
    private readonly Option<string[]> _labels = new("--label") { Description = "A label of this silo, such as gpu; queues with Labels are served by silos that have them." };
    private readonly Option<string?> _logLevel = new("--log-level") { Description = "DEBUG, INFO, WARNING or ERROR. Default: INFO." };

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _url, _insecure, _folder, _queue, _list, _handler, _handlers, _worker, _workers, _concurrency, _timeout, _labels, _logLevel })
        {
            command.Options.Add(option);
        }
    }

    public GristmillFlags Read(ParseResult parsed) => new()
    {
        Redis = parsed.GetValue(globals.Redis),
        Service = parsed.GetValue(globals.Service),
        Url = parsed.GetValue(_url),
        Insecure = parsed.GetValue(_insecure),
        Folder = parsed.GetValue(_folder),
        Queue = parsed.GetValue(_queue),
        List = parsed.GetValue(_list),
        Handler = parsed.GetValue(_handler),
        HandlerAssemblies = parsed.GetValue(_handlers) ?? [],
        Worker = parsed.GetValue(_worker) is { } command ? ShellWords.Split(command) ?? throw CommandException.BadUsage($"--worker is '{command}'; it must be a program and its arguments, with each quote closed.") : null,
        Workers = parsed.GetValue(_workers),
        Concurrency = parsed.GetValue(_concurrency),
        TimeoutSeconds = parsed.GetValue(_timeout),
        Labels = parsed.GetValue(_labels) ?? [],
        LogLevel = parsed.GetValue(_logLevel),
    };
}

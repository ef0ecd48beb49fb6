using Gristmill.Silo.Commands;
using Gristmill.Silo.Demo;
using Gristmill.Silo.Hosting;

// The executable: `silo` runs one, `demo` shows one; the other commands look at a cluster from outside.
var environment = CommandEnvironment.OfProcess();
var root = GristmillCommands.Build(environment);
root.Add(SiloCommand.Create());
root.Add(DemoCommand.Create(environment));
return await GristmillCommands.RunAsync(root, args, environment);

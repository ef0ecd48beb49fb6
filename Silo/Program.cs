using Gristmill.Silo.Bench;
using Gristmill.Silo.Commands;
using Gristmill.Silo.Demo;
using Gristmill.Silo.Hosting;

// The executable: `silo`, the default, runs one, `demo` shows one and `bench` measures one; the other commands look at a cluster from outside.
var environment = CommandEnvironment.OfProcess();
var globals = new GlobalOptions();
var root = GristmillCommands.Build(environment, globals);
root.Add(SiloCommand.Create(globals));
root.Add(DemoCommand.Create(environment, globals));
root.Add(BenchCommand.Make(environment, globals));
return await GristmillCommands.RunAsync(root, args is [] ? ["silo"] : args, environment);

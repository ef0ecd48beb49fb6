using Gristmill.Bench;

// Measures what the README claims. Each bench prints one JSON line, or a table without --json.
return args.FirstOrDefault() switch
{
    "throughput" => await BenchRun.RunAsync(args, Throughput.RunAsync),
    "latency" => await BenchRun.RunAsync(args, Latency.RunAsync),
    "scale" => await BenchRun.RunAsync(args, Scale.RunAsync),
    "limit" => await BenchRun.RunAsync(args, Limit.RunAsync),
    "workers" => await BenchRun.RunAsync(args, Workers.RunAsync),
    "sessions" => await BenchRun.RunAsync(args, Sessions.RunAsync),
    "http" => await BenchRun.RunAsync(args, HttpLoad.RunAsync),
    "calls" => await BenchRun.RunAsync(args, Calls.RunAsync),
    _ => BenchRun.Usage(),
};

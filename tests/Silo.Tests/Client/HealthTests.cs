using Gristmill.Client;
using Gristmill.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Gristmill.Silo.Tests.Client;

/// <summary>The check that a service adds to its own.</summary>
public sealed class HealthTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Check_is_healthy_with_a_silo_degraded_without_and_unhealthy_without_Redis()
    {
        await using var server = await RedisServer.StartAsync();
        await using var fixture = ClientFixture.Create(server.Url, o => o.MaxRetries = 0);
        var checks = new ServiceCollection().AddLogging().AddSingleton<IGristmillClient>(fixture.Client);
        checks.AddHealthChecks().AddGristmill("asr");
        await using var provider = checks.BuildServiceProvider();
        async Task<HealthReportEntry> LookAsync() => (await provider.GetRequiredService<HealthCheckService>().CheckHealthAsync(Stop)).Entries["gristmill"];

        var unserved = await LookAsync();
        Assert.Equal(HealthStatus.Degraded, unserved.Status);
        Assert.Equal("No silo serves the queue 'asr': its jobs wait.", unserved.Description);
        await fixture.SiloAsync();
        var served = await LookAsync();
        Assert.Equal((HealthStatus.Healthy, "open, 1 silo, 0 queued, 0 running, 0 dead"), (served.Status, served.Data["asr"]));
        await fixture.Queue.PauseAsync(Stop);
        Assert.Equal("The queue 'asr' is paused.", (await LookAsync()).Description);
        await server.KillAsync();
        var gone = await LookAsync();
        Assert.Equal(HealthStatus.Unhealthy, gone.Status);
        Assert.Contains($"redis://127.0.0.1:{server.Port}", gone.Description, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_of_a_queue_that_can_have_no_such_name_is_refused() =>
        Assert.Throws<ArgumentException>(() => new ServiceCollection().AddHealthChecks().AddGristmill("no blanks"));
}

using System.Globalization;
using Gristmill.Store.Tests.Support;
using Gristmill.Testing;

namespace Gristmill.Store.Tests.Steps;

/// <summary>
/// Thousands of random steps of two generations against a model of the promises: each pushed item has exactly one place at
/// any time, an outcome stays, only the holder moves a job, a refused step changes nothing, every change of state is one
/// that <see cref="JobStates"/> allows, and the counts agree. A failure prints the seed.
/// </summary>
public sealed class ModelTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private const int Steps = 1500;

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Random_steps_keep_the_promises(StoreKind kind)
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("GRISTMILL_SEED"), CultureInfo.InvariantCulture, out var given) ? given : Random.Shared.Next();
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await queue.FirstTickAsync();
        var run = new ModelRun(queue, new Random(seed));
        for (var step = 0; step < Steps; step++)
        {
            try
            {
                await run.StepAsync();
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}, step {step} ({run.Last}): {e.Message}", e);
            }
        }

        Assert.True(run.Kinds.Count >= 14, $"seed {seed}: only {string.Join(", ", run.Kinds)} were done");
    }
}

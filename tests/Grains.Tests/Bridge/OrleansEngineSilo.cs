using Gristmill.Silo.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Gristmill.Grains.Tests.Bridge;

/// <summary>Orleans in a silo under test, hosted as `gristmill silo` hosts it.</summary>
internal static class TestEngine
{
    /// <summary>Whether a silo starts while its store is away. Its members are known by the store alone: the start waits for it.</summary>
    public static bool StartsWithoutStore => false;

    public static void Add(IServiceCollection services) => services.AddEngine();
}

using System.Globalization;

namespace Gristmill.Simulation.Tests.World;

/// <summary>Which schedules are run: the first so many, forty times as many with GRISTMILL_LONG=1, or the one of GRISTMILL_SEED.</summary>
internal static class Seeds
{
    private static readonly int Times = Environment.GetEnvironmentVariable("GRISTMILL_LONG") == "1" ? 40 : 1;

    public static IEnumerable<int> Of(int count) =>
        int.TryParse(Environment.GetEnvironmentVariable("GRISTMILL_SEED"), CultureInfo.InvariantCulture, out var one) ? [one] : Enumerable.Range(1, count * Times);
}

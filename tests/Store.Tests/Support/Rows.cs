using Gristmill.Testing;

namespace Gristmill.Store.Tests.Support;

/// <summary>Rows for theories over scripts and servers.</summary>
public static class Rows
{
    /// <summary>Every step on both servers.</summary>
    public static IEnumerable<object[]> StepsOnBoth() => Stores.Both().SelectMany(kind => Scenario.All.Select(s => new[] { kind[0], s.Verb }));

    /// <summary>Every step.</summary>
    public static IEnumerable<object[]> Steps() => Scenario.All.Select(s => new object[] { s.Verb });
}

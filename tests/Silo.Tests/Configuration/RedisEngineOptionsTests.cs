using Gristmill.Silo.Configuration;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Gristmill.Silo.Tests.Configuration;

/// <summary>The default engine knows no options of the other: who sets one has built the wrong silo, and hears of it.</summary>
public sealed class RedisEngineOptionsTests
{
    [Fact]
    public void Option_of_Orleans_is_none_here()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new("Gristmill:Orleans:SiloPort", "11111")]).Build();
        var error = Assert.Throws<OptionsValidationException>(() => GristmillConfiguration.Load(configuration, new GristmillFlags()));
        Assert.StartsWith("Gristmill:Orleans is no option", Assert.Single(error.Failures), StringComparison.Ordinal);
    }
}

namespace Gristmill.Engine.Tests.Manifest;

/// <summary>What breaks a rule is named at start, all of it at once.</summary>
public sealed class GrainRulesTests
{
    public interface INoAlias : IGrainWithStringKey
    {
        [Alias("Do")]
        Task Do();
    }

    [Alias("rules.methods")]
    public interface IMethods : IGrainWithStringKey
    {
        Task NoAlias();

        [Alias("Generic")]
        Task Generic<T>();

        [Alias("Same")]
        Task Overloaded();

        [Alias("Same")]
        Task Overloaded(int more);

        [Alias("NotATask")]
        int NotATask();

        [Alias("OneWayResult"), OneWay]
        Task<int> OneWayResult();

        [Alias("TwoTokens")]
        Task TwoTokens(CancellationToken one, CancellationToken two);
    }

    [Alias("rules.wire")]
    public interface IWire : IGrainWithStringKey
    {
        [Alias("Open")]
        Task Open(OpenRecord value);

        [Alias("Foreign")]
        Task<Uri> Foreign();

        [Alias("Object")]
        Task Object(object value);

        [Alias("Sloppy")]
        Task Sloppy(List<SloppyRecord[]> values);
    }

    [Fact]
    public void Interface_without_alias_is_refused() => AssertBreach(typeof(NoAliasGrain), "INoAlias: has no [Alias]");

    [Fact]
    public void Methods_that_break_rules_are_all_named() => AssertBreach(
        typeof(MethodsGrain),
        "NoAlias: has no [Alias]",
        "Generic: grain methods are not generic",
        "Overloaded: grain methods have no overloads",
        "the method alias 'Same' is used 2 times",
        "NotATask: returns Int32",
        "OneWayResult: is [OneWay] and must return Task",
        "TwoTokens: has more than one CancellationToken");

    [Fact]
    public void Types_that_cannot_cross_a_call_are_all_named() => AssertBreach(
        typeof(WireGrain),
        "OpenRecord: what crosses a call is sealed",
        "OpenRecord: a record that crosses a call is [Immutable]",
        "System.Uri: cannot cross a call",
        "System.Object: cannot cross a call",
        "SloppyRecord: has no [Alias]",
        "SloppyRecord: uses the id 0 for One and Two",
        "SloppyRecord: Three can be set but has no [Id]");

    [Fact]
    public void Class_without_placement_or_with_two_constructors_is_refused() => AssertBreach(
        typeof(BareGrain), "BareGrain: names no placement", "BareGrain: has 2 public constructors");

    [Fact]
    public void State_without_its_attribute_is_refused() =>
        AssertBreach(typeof(NamelessStateGrain), "the state 'state' and its [PersistentState] must stand together");

    [Fact]
    public void Grains_of_the_contract_break_no_rule() =>
        _ = new GrainManifest(typeof(GrainRulesTests).Assembly.GetTypes().Where(t => t.Namespace == "Gristmill.Engine.Tests.Contract.Grains" && t.IsSubclassOf(typeof(Grain))));

    private static void AssertBreach(Type grain, params string[] breaches)
    {
        var error = Assert.Throws<InvalidOperationException>(() => new GrainManifest([grain]));
        Assert.All(breaches, breach => Assert.Contains(breach, error.Message));
    }

    [GenerateSerializer, Alias("rules.open")]
    public record OpenRecord([property: Id(0)] int Number);

    [GenerateSerializer, Immutable]
    public sealed record SloppyRecord([property: Id(0)] int One, [property: Id(0)] int Two, int Three);

    [RandomPlacement]
    private sealed class NoAliasGrain : Grain, INoAlias
    {
        public Task Do() => Task.CompletedTask;
    }

    [RandomPlacement]
    private sealed class MethodsGrain : Grain, IMethods
    {
        public Task NoAlias() => Task.CompletedTask;

        public Task Generic<T>() => Task.CompletedTask;

        public Task Overloaded() => Task.CompletedTask;

        public Task Overloaded(int more) => Task.CompletedTask;

        public int NotATask() => 1;

        public Task<int> OneWayResult() => Task.FromResult(1);

        public Task TwoTokens(CancellationToken one, CancellationToken two) => Task.CompletedTask;
    }

    [RandomPlacement]
    private sealed class WireGrain : Grain, IWire
    {
        public Task Open(OpenRecord value) => Task.CompletedTask;

        public Task<Uri> Foreign() => Task.FromResult(new Uri("http://127.0.0.1"));

        public Task Object(object value) => Task.CompletedTask;

        public Task Sloppy(List<SloppyRecord[]> values) => Task.CompletedTask;
    }

    private sealed class BareGrain : Grain, INoAlias
    {
        public BareGrain()
        {
        }

        public BareGrain(IServiceProvider services) => ArgumentNullException.ThrowIfNull(services);

        public Task Do() => Task.CompletedTask;
    }

    [RandomPlacement]
    private sealed class NamelessStateGrain(IPersistentState<Contract.Grains.StoredText> state) : Grain, INoAlias
    {
        public Task Do() => state.ReadStateAsync();
    }
}

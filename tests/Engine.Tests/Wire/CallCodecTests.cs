using System.Collections.Immutable;
using System.Diagnostics;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Gristmill.Engine.Tests.Contract.Grains;
using Microsoft.Extensions.Time.Testing;

namespace Gristmill.Engine.Tests.Wire;

/// <summary>Calls, outcomes and records come back from their bytes as they were, and bytes of others do no harm.</summary>
public sealed class CallCodecTests
{
    private const int MaxBytes = 64 * 1024;

    private readonly FakeTimeProvider _time = new();
    private readonly WireSerializer _serializer = new(MaxBytes);
    private readonly GrainManifest _manifest = new([typeof(ContextGrain), typeof(GateGrain)]);
    private readonly CallCodec _codec;

    public CallCodecTests() => _codec = new CallCodec(_manifest, _serializer, _time);

    [Fact]
    public void Record_of_any_values_comes_back_as_it_was() => Prop.ForAll(Everythings().ToArbitrary(), value =>
    {
        var read = _serializer.Read<Everything>(_serializer.Write(value));
        Assert.Equal(Plain(value), Plain(read));
        Assert.Equal(value.Bytes, read.Bytes);
        Assert.Equal(value.Memory.ToArray(), read.Memory.ToArray());
        Assert.Equal(value.Names, read.Names);
        Assert.Equal(value.Counts, read.Counts);
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Fact]
    public void Members_are_named_by_their_numbers()
    {
        var bytes = _serializer.Write(new Part("name"));
        Assert.Equal("""{"0":"name"}""", Encoding.UTF8.GetString(bytes));
    }

    [Fact]
    public void Members_unknown_are_skipped_and_members_missing_get_their_defaults()
    {
        var read = _serializer.Read<Everything>("""{"1":7,"99":{"deep":[1,{"x":null}]},"10":{"0":"p","1":2}}"""u8);
        Assert.Equal(7, read.Number);
        Assert.Equal("p", read.Part!.Name);
        Assert.Null(read.Text);
        Assert.Null(read.Maybe);
    }

    [Fact]
    public void Members_of_zero_are_not_mistaken_for_missing_ones()
    {
        var read = _serializer.Read<Defaulted>(_serializer.Write(new Defaulted(0, null)));
        Assert.Equal(new Defaulted(0, null), read);
        Assert.Equal(new Defaulted(), _serializer.Read<Defaulted>("{}"u8));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("""{"1":"seven"}""")]
    [InlineData("""{"1":1,"1":2}""")]
    [InlineData("""{"3":"no guid"}""")]
    [InlineData("""{"6":"%%%"}""")]
    [InlineData("""{"1":99999999999999999999999}""")]
    public void Bytes_that_are_no_record_are_refused(string text)
    {
        var error = Assert.Throws<GristmillException>(() => _serializer.Read<Everything>(Encoding.UTF8.GetBytes(text)));
        Assert.Equal(GristmillErrorKind.Invalid, error.Kind);
    }

    [Fact]
    public void Bytes_too_deep_or_too_many_are_refused()
    {
        var deep = $$"""{"99":{{new string('[', 10_000)}}""";
        Assert.Throws<GristmillException>(() => _serializer.Read<Everything>(Encoding.UTF8.GetBytes(deep)));
        var error = Assert.Throws<GristmillException>(() => _serializer.Write(new Part(new string('x', MaxBytes))));
        Assert.Contains("MaxMessageBytes", error.Message);
        Assert.Throws<GristmillException>(() => _serializer.Read<Part>(new byte[MaxBytes + 1]));
    }

    [Fact]
    public void Type_without_a_wire_form_is_refused() =>
        Assert.ThrowsAny<NotSupportedException>(() => _serializer.Write(new Uri("http://127.0.0.1/").Segments.Select(s => new { s }).ToList()));

    [Fact]
    public void Call_comes_back_with_all_that_travels()
    {
        var method = _manifest.Method("test.IContextGrain", "ValueBehind");
        var parent = new ActivityContext(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded, "a=b");
        var context = new Dictionary<string, object>
        {
            ["string"] = "text", ["bool"] = true, ["int"] = 1, ["long"] = long.MaxValue, ["double"] = 0.1, ["guid"] = Guid.NewGuid(),
            ["time"] = DateTimeOffset.UnixEpoch, ["span"] = TimeSpan.FromTicks(1),
        }.ToImmutableDictionary();
        var deadline = _time.GetTimestamp() + (30 * _time.TimestampFrequency);
        var read = _codec.Decode(
            _codec.Encode(new Call(new("context", "key"), method, ["a", "b"], deadline) { Context = context, Parent = parent }), replyTo: null);
        Assert.Equal(new GrainId("context", "key"), read.Target);
        Assert.Same(method, read.Method);
        Assert.Equal(["a", "b"], read.Arguments);
        Assert.Equal(context, read.Context);
        Assert.Equal((parent.TraceId, parent.SpanId, parent.TraceFlags, "a=b"), (read.Parent.TraceId, read.Parent.SpanId, read.Parent.TraceFlags, read.Parent.TraceState));
        Assert.InRange(read.Deadline, deadline - _time.TimestampFrequency, deadline);
    }

    [Fact]
    public void Call_of_another_version_with_fewer_or_more_arguments_is_read()
    {
        var fewer = _codec.Decode("""{"0":"context","1":"k","2":"test.IContextGrain","3":"ValueBehind","4":["a"],"5":1}"""u8, null);
        Assert.Equal(["a", null], fewer.Arguments);
        var more = _codec.Decode("""{"0":"gate","1":"k","2":"test.IGateGrain","3":"Ping","4":[7,"more"],"5":1,"77":true}"""u8, null);
        Assert.Equal([7], more.Arguments);
        var none = _codec.Decode("""{"0":"gate","1":"k","2":"test.IGateGrain","3":"Ping","4":[],"5":1}"""u8, null);
        Assert.Equal(new object?[] { null }, none.Arguments);
    }

    [Theory]
    [InlineData("""{"0":"System.Diagnostics.Process","1":"k","2":"test.IGateGrain","3":"Ping","4":[1],"5":1}""", GristmillErrorKind.NotFound)]
    [InlineData("""{"0":"gate","1":"k","2":"System.IO.File","3":"Delete","4":["/"],"5":1}""", GristmillErrorKind.NotFound)]
    [InlineData("""{"0":"gate","1":"k","2":"test.IContextGrain","3":"Value","4":["x"],"5":1}""", GristmillErrorKind.Invalid)]
    [InlineData("""{"0":"gate","1":"","2":"test.IGateGrain","3":"Ping","4":[1],"5":1}""", GristmillErrorKind.Invalid)]
    [InlineData("""{"0":"gate","1":"k","2":"test.IGateGrain","3":"Ping","4":["one"],"5":1}""", GristmillErrorKind.Invalid)]
    [InlineData("""{"0":"gate","1":"k","2":"test.IGateGrain","3":"Ping","5":1}""", GristmillErrorKind.Invalid)]
    [InlineData("""{"0":"gate","1":"k","2":"test.IGateGrain","3":"Ping","4":[1],"5":1,"6":{"x":{"0":2,"1":"y"}}}""", GristmillErrorKind.Invalid)]
    [InlineData("""{"0":"gate","1":"k","2":"test.IGateGrain","3":"Ping","4":[1],"5":1,"6":{"x":{"0":5}}}""", GristmillErrorKind.Invalid)]
    public void Call_that_names_what_is_not_there_is_refused(string text, GristmillErrorKind kind) =>
        Assert.Equal(kind, Assert.Throws<GristmillException>(() => _codec.Decode(Encoding.UTF8.GetBytes(text), null)).Kind);

    [Fact]
    public void Bytes_of_a_call_damaged_anywhere_are_a_call_or_refused()
    {
        var method = _manifest.Method("test.IContextGrain", "Echo");
        var bytes = _codec.Encode(new Call(new("context", "k"), method, [Everythings().Sample(1, 10)[0]], _time.GetTimestamp()));
        Prop.ForAll(Gen.Choose(0, bytes.Length - 1).Zip(Gen.Choose(0, 255)).ToArbitrary(), damage =>
        {
            var damaged = bytes.ToArray();
            damaged[damage.Item1] = (byte)damage.Item2;
            try
            {
                Assert.NotNull(_codec.Decode(damaged, null).Method);
            }
            catch (GristmillException refused)
            {
                Assert.True(refused.Kind is GristmillErrorKind.Invalid or GristmillErrorKind.NotFound);
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2_000));
    }

    [Fact]
    public void Outcomes_come_back_as_they_were()
    {
        var method = _manifest.Method("test.IGateGrain", "Ping");
        Assert.Equal(7, Back(method, Outcome.Of(7)).Value);
        Assert.IsType<OperationCanceledException>(Back(method, Outcome.Failed(new OperationCanceledException())).Error);
        var error = Assert.IsType<GristmillException>(Back(method, Outcome.Failed(new InvalidDataException("broken"))).Error);
        Assert.Equal((GristmillErrorKind.Failed, "broken", typeof(InvalidDataException).FullName), (error.Kind, error.Message, error.TypeName));
        var later = _codec.DecodeOutcome(method, """{"1":200,"2":"T","3":"m"}"""u8);
        Assert.Equal(GristmillErrorKind.Failed, Assert.IsType<GristmillException>(later.Error).Kind);
        Assert.Equal(GristmillErrorKind.Invalid, Assert.IsType<GristmillException>(_codec.DecodeOutcome(method, "{}"u8).Error).Kind);
        Assert.Equal(GristmillErrorKind.Invalid, Assert.IsType<GristmillException>(_codec.DecodeOutcome(method, [1, 2]).Error).Kind);
    }

    [GenerateSerializer, Immutable, Alias("test.Defaulted")]
    public sealed record Defaulted([property: Id(0)] int Retries = 3, [property: Id(1)] string? Name = "unnamed");

    private static object Plain(Everything e) => (e.Text, e.Number, e.Real, e.Id, e.Time, e.Time.Offset, e.Span, e.Day, e.Part, e.Maybe);

    private Outcome Back(GrainMethod method, Outcome outcome) => _codec.DecodeOutcome(method, _codec.EncodeOutcome(method, outcome));

    private static Gen<Everything> Everythings() =>
        from text in Texts()
        from number in ArbMap.Default.GeneratorFor<long>()
        from real in ArbMap.Default.GeneratorFor<double>()
        from id in ArbMap.Default.GeneratorFor<Guid>()
        from ticks in Gen.Choose(0, int.MaxValue)
        from hours in Gen.Choose(-14, 14)
        from span in ArbMap.Default.GeneratorFor<TimeSpan>()
        from bytes in ArbMap.Default.GeneratorFor<byte[]>()
        from names in Texts().ArrayOf()
        from day in Gen.Choose(0, 6)
        from maybe in ArbMap.Default.GeneratorFor<int?>()
        select new Everything(
            text, number, real, id, new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.FromHours(hours)).AddTicks(ticks), span, bytes ?? [], names,
            names.Distinct().ToDictionary(n => n, n => n.Length), (DayOfWeek)day, text.Length % 2 == 0 ? new Part(text) : null, maybe, bytes ?? []);

    private static Gen<string> Texts() => ArbMap.Default.GeneratorFor<string>().Select(s => new string([.. (s ?? "").Where(c => !char.IsSurrogate(c))]));
}

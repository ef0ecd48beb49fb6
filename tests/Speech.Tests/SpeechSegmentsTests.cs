using static Gristmill.Samples.Speech.Tests.Signals;

namespace Gristmill.Samples.Speech.Tests;

public sealed class SpeechSegmentsTests
{
    private const double Tolerance = 0.030;

    private static readonly SpeechSegment[] Bursts = [new(0.613, 1.407), new(2.031, 2.3), new(3.1, 5.047)];

    [Theory]
    [InlineData(8_000, -50)]
    [InlineData(8_000, -40)]
    [InlineData(16_000, -40)]
    [InlineData(44_100, -40)]
    public void Find_bursts_in_noise_gives_their_times(int sampleRate, double noise)
    {
        AssertBursts(SpeechSegments.Find(InMono(BurstsIn(Noise(noise, 6, sampleRate), sampleRate), sampleRate)));
    }

    [Fact]
    public void Find_bursts_in_a_noise_that_changes_gives_their_times()
    {
        // From −55 to −37 dBFS over the six seconds: the last burst is no louder over it than the first pause would be over the first noise.
        var noise = Noise(-55, 6, 8_000);
        for (var i = 0; i < noise.Length; i++)
            noise[i] *= (float)Math.Pow(10, 18.0 / 20 * i / noise.Length);

        AssertBursts(SpeechSegments.Find(InMono(BurstsIn(noise, 8_000), 8_000)));
    }

    [Fact]
    public void Find_bursts_over_a_constant_offset_gives_their_times()
    {
        var samples = BurstsIn(Noise(-50, 6, 8_000), 8_000);

        AssertBursts(SpeechSegments.Find(InMono([.. samples.Select(s => s + 0.2f)], 8_000)));
    }

    [Fact]
    public void Find_in_a_clip_counts_from_the_recordings_start()
    {
        var segments = SpeechSegments.Find(new AudioClip(8_000, [BurstsIn(Noise(-50, 6, 8_000), 8_000)], start: 10));

        AssertBursts([.. segments.Select(s => new SpeechSegment(s.Start - 10, s.End - 10))]);
    }

    [Fact]
    public void Find_noise_silence_or_nothing_gives_no_speech()
    {
        Assert.Empty(SpeechSegments.Find(InMono(Noise(-30, 10, 8_000), 8_000)));
        Assert.Empty(SpeechSegments.Find(InMono(Noise(-80, 10, 8_000), 8_000)));
        Assert.Empty(SpeechSegments.Find(InMono(new float[80_000], 8_000)));
        Assert.Empty(SpeechSegments.Find(InMono([], 8_000)));
    }

    [Theory]
    [InlineData(0.20, 1)]
    [InlineData(0.32, 2)]
    public void Find_pause_joins_only_when_shorter_than_the_hangover(double pause, int expected)
    {
        var samples = Noise(-60, 3, 8_000);
        Add(samples, Sine(300, -20, 0.5, 8_000), 0.5, 8_000);
        Add(samples, Sine(300, -20, 0.5, 8_000), 1.0 + pause, 8_000);

        var segments = SpeechSegments.Find(InMono(samples, 8_000));

        Assert.Equal(expected, segments.Count);
        Assert.Equal(1.5 + pause, segments[^1].End, Tolerance);
    }

    [Fact]
    public void Find_click_is_no_speech()
    {
        var samples = Noise(-60, 2, 8_000);
        Add(samples, Sine(300, -10, 0.05, 8_000), 1, 8_000);

        Assert.Empty(SpeechSegments.Find(InMono(samples, 8_000)));
    }

    [Fact]
    public void Find_level_between_the_thresholds_goes_on_but_does_not_start()
    {
        // A tone 8 dB over the noise, alone and then behind a loud one.
        var samples = Noise(-57, 4, 8_000);
        Add(samples, Sine(300, -46.5, 1, 8_000), 0.5, 8_000);
        Add(samples, Sine(300, -20, 0.5, 8_000), 2, 8_000);
        Add(samples, Sine(300, -46.5, 0.6, 8_000), 2.5, 8_000);

        var segment = Assert.Single(SpeechSegments.Find(InMono(samples, 8_000), new SpeechSegmentsOptions { OnDb = 12, OffDb = 4 }));

        Assert.Equal(2.0, segment.Start, Tolerance);
        Assert.Equal(3.1, segment.End, Tolerance);
    }

    [Fact]
    public void Find_option_out_of_bounds_is_refused_by_name()
    {
        var refusal = Assert.Throws<ArgumentOutOfRangeException>(() =>
            SpeechSegments.Find(InMono([], 8_000), new SpeechSegmentsOptions { OnDb = 5 }));

        Assert.Equal(nameof(SpeechSegmentsOptions.OnDb), refusal.ParamName);
        Assert.Contains("from 6 to 60", refusal.Message);
    }

    private static float[] BurstsIn(float[] noise, int sampleRate)
    {
        foreach (var burst in Bursts)
            Add(noise, Sine(300, -17, burst.Seconds, sampleRate), burst.Start, sampleRate);
        return noise;
    }

    private static void AssertBursts(IReadOnlyList<SpeechSegment> found)
    {
        Assert.Equal(Bursts.Length, found.Count);
        Assert.All(Bursts.Zip(found), pair =>
        {
            Assert.Equal(pair.First.Start, pair.Second.Start, Tolerance);
            Assert.Equal(pair.First.End, pair.Second.End, Tolerance);
        });
    }
}

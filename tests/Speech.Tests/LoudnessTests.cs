using static Gristmill.Samples.Speech.Tests.Signals;

namespace Gristmill.Samples.Speech.Tests;

/// <summary>The test signals of EBU Tech 3341, table 1 (1 kHz sines, levels per channel, tolerance 0.1 LU).</summary>
public sealed class LoudnessTests
{
    private const double Tolerance = 0.1;

    [Theory]
    [InlineData(-23.0)] // case 1
    [InlineData(-33.0)] // case 2
    public void Measure_stereo_reference_reads_its_level(double level)
    {
        var loudness = Loudness.Measure(InStereo(Sine(1_000, level, 20, 48_000), 48_000));

        Assert.Equal(level, loudness.IntegratedLufs!.Value, Tolerance);
        Assert.Equal(level, loudness.PeakDbfs!.Value, 0.01);
    }

    [Fact]
    public void Measure_mono_reference_reads_three_units_less()
    {
        var loudness = Loudness.Measure(InMono(Sine(1_000, -20 + 0.0103, 20, 48_000), 48_000));

        Assert.Equal(-23.0, loudness.IntegratedLufs!.Value, Tolerance);
    }

    [Theory]
    [InlineData(-36, 10, -23, 60, -36, 10)] // case 3: the relative gate
    [InlineData(-26, 20, -20, 20.1, -26, 20)] // case 5: no gate, the power's mean
    public void Measure_levels_in_turn_are_gated(double first, double firstSeconds, double second, double secondSeconds, double third, double thirdSeconds)
    {
        var clip = InStereo([
            .. Sine(1_000, first, firstSeconds, 48_000),
            .. Sine(1_000, second, secondSeconds, 48_000),
            .. Sine(1_000, third, thirdSeconds, 48_000),
        ], 48_000);

        Assert.Equal(-23.0, Loudness.Measure(clip).IntegratedLufs!.Value, Tolerance);
    }

    [Fact]
    public void Measure_with_near_silence_around_leaves_it_out()
    {
        // Case 4: both gates are needed.
        var clip = InStereo([
            .. Sine(1_000, -72, 10, 48_000), .. Sine(1_000, -36, 10, 48_000), .. Sine(1_000, -23, 60, 48_000),
            .. Sine(1_000, -36, 10, 48_000), .. Sine(1_000, -72, 10, 48_000),
        ], 48_000);

        Assert.Equal(-23.0, Loudness.Measure(clip).IntegratedLufs!.Value, Tolerance);
    }

    // Towards half the sample rate the bilinear transform bends the shelf, by 0.2 dB at 1 kHz when that is all there is to 4 kHz.
    [Theory]
    [InlineData(8_000, 0.25)]
    [InlineData(11_025, 0.15)]
    [InlineData(16_000, Tolerance)]
    [InlineData(44_100, Tolerance)]
    public void Measure_at_another_rate_reads_the_same(int sampleRate, double tolerance)
    {
        var loudness = Loudness.Measure(InStereo(Sine(1_000, -23, 10, sampleRate), sampleRate));

        Assert.Equal(-23.0, loudness.IntegratedLufs!.Value, tolerance);
    }

    [Theory]
    [InlineData(0, 5)]
    [InlineData(-20, 0.39)]
    [InlineData(-90, 5)]
    public void Measure_of_what_no_block_passes_is_null(double level, double seconds)
    {
        var samples = level == 0 ? new float[(int)(seconds * 8_000)] : Sine(1_000, level, seconds, 8_000);

        var loudness = Loudness.Measure(InMono(samples, 8_000));

        Assert.Null(loudness.IntegratedLufs);
        Assert.Equal(level == 0, loudness.PeakDbfs is null);
    }

    [Fact]
    public void KWeighting_at_48_kHz_is_the_recommendations_table()
    {
        var shelf = KWeighting.HighShelf(48_000);
        var highPass = KWeighting.HighPass(48_000);

        double[] expected = [
            1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585,
            1, -2, 1, -1.99004745483398, 0.99007225036621,
        ];
        double[] actual = [
            shelf.B0, shelf.B1, shelf.B2, shelf.A1, shelf.A2,
            highPass.B0, highPass.B1, highPass.B2, highPass.A1, highPass.A2,
        ];
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-10));
    }
}

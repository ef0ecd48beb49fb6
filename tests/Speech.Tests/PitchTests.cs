using static Gristmill.Samples.Speech.Tests.Signals;

namespace Gristmill.Samples.Speech.Tests;

public sealed class PitchTests
{
    public static TheoryData<double, int, int> Tones => new(
        from hz in new[] { 80.0, 97.3, 123.4, 187.6, 220, 261.6, 333.3, 400 }
        from harmonics in new[] { 1, 8 }
        from sampleRate in new[] { 8_000, 22_050, 48_000 }
        select (hz, harmonics, sampleRate));

    [Theory]
    [MemberData(nameof(Tones))]
    public void Track_tone_finds_its_fundamental_within_one_percent(double hz, int harmonics, int sampleRate)
    {
        var frames = Pitch.Track(InMono(Harmonics(hz, harmonics, -12, 0.5, sampleRate), sampleRate));

        Assert.InRange(frames.Count, 40, 50);
        Assert.All(frames, frame => Assert.InRange(frame.Hz ?? 0, hz * 0.99, hz * 1.01));
    }

    [Fact]
    public void Track_tone_without_its_fundamental_still_finds_it()
    {
        var samples = Harmonics(150, 6, -12, 0.5, 8_000);
        Add(samples, [.. Sine(150, -12, 0.5, 8_000).Select(s => -s)], 0, 8_000);

        Assert.All(Pitch.Track(InMono(samples, 8_000)), frame => Assert.InRange(frame.Hz ?? 0, 148.5, 151.5));
    }

    [Fact]
    public void Track_glide_follows_it_in_the_recordings_time()
    {
        var samples = new float[8_000];
        for (var i = 0; i < samples.Length; i++)
        {
            var t = i / 8_000.0;
            samples[i] = (float)(0.3 * Math.Sin(2 * Math.PI * (100 * t + 50 * t * t))); // 100 Hz rising by 100 Hz in a second
        }
        var frames = Pitch.Track(new AudioClip(8_000, [samples], start: 5));

        Assert.All(frames, frame => Assert.InRange(frame.Hz ?? 0, 0.97 * (100 + 100 * (frame.Time - 5)), 1.03 * (100 + 100 * (frame.Time - 5))));
        var pitch = Pitch.Summarize(frames);
        Assert.Equal(150, pitch.MedianHz!.Value, 4.0);
        Assert.Equal(frames.Count * 0.01, pitch.VoicedSeconds, 1e-9);
        Assert.True(pitch.LowHz < 112 && pitch.HighHz > 188, $"{pitch}");
    }

    [Fact]
    public void Track_noise_and_silence_are_not_voiced()
    {
        Assert.DoesNotContain(Pitch.Track(InMono(Noise(-20, 2, 8_000), 8_000)), f => f.Hz is not null);
        Assert.DoesNotContain(Pitch.Track(InMono(new float[16_000], 8_000)), f => f.Hz is not null);
        Assert.Equal(new Pitch(null, null, null, 0), Pitch.Summarize([]));
    }

    [Fact]
    public void Track_clip_shorter_than_a_frame_is_empty() =>
        Assert.Empty(Pitch.Track(InMono(new float[300], 8_000)));
}

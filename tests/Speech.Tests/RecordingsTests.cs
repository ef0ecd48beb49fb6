using System.Diagnostics;

namespace Gristmill.Samples.Speech.Tests;

/// <summary>The samples' own recordings, whose sentence times are known.</summary>
public sealed class RecordingsTests(ITestOutputHelper output)
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "recordings");

    public static TheoryData<string> Sessions => ["clinic-17", "harbour-08", "hotline-42", "lecture-03"];

    [Fact]
    public void Recordings_are_small_and_all_have_transcripts()
    {
        var files = new DirectoryInfo(Folder).GetFiles();

        Assert.True(files.Sum(f => f.Length) < 700_000);
        Assert.Equal(Sessions.Select(s => s.Data), files.Where(f => f.Extension == ".wav").Select(f => Path.GetFileNameWithoutExtension(f.Name)).Order());
    }

    [Theory]
    [MemberData(nameof(Sessions))]
    public void Recording_is_telephone_sound_of_its_transcript(string session)
    {
        var (path, transcript) = Open(session);
        var format = WavFile.ReadFormat(path);

        Assert.Equal((8_000, 1), (format.SampleRate, format.Channels));
        Assert.InRange(format.Seconds, 6, 12);
        Assert.Equal(session, transcript.SessionId);
        Assert.True(transcript.Sentences[^1].End < format.Seconds);
    }

    [Theory]
    [MemberData(nameof(Sessions))]
    public void Segments_of_a_recording_are_its_sentences(string session)
    {
        var (path, transcript) = Open(session);

        var segments = Analyze(path).Segments;

        output.WriteLine(string.Join("\n", segments));
        Assert.Equal(transcript.Sentences.Count, segments.Count);
        Assert.All(transcript.Sentences.Zip(segments), pair =>
        {
            Assert.Equal(pair.First.Start, pair.Second.Start, 0.05);
            Assert.Equal(pair.First.End, pair.Second.End, 0.1);
        });
    }

    [Theory]
    [InlineData("clinic-17", 130, 240)]
    [InlineData("harbour-08", 60, 130)]
    [InlineData("hotline-42", 70, 140)]
    [InlineData("lecture-03", 170, 330)]
    public void Pitch_of_a_recording_is_its_voices(string session, double low, double high)
    {
        var analysis = Analyze(Open(session).Path);

        output.WriteLine($"{analysis.Pitch} {analysis.Loudness}");
        Assert.InRange(analysis.Pitch.MedianHz!.Value, low, high);
        Assert.InRange(analysis.Pitch.VoicedSeconds, 0.2 * analysis.SpeechSeconds, analysis.SpeechSeconds);
    }

    [Theory]
    [InlineData("clinic-17", -3)]
    [InlineData("harbour-08", -6)]
    [InlineData("hotline-42", -12)]
    [InlineData("lecture-03", -9)]
    public void Peak_of_a_recording_is_the_one_it_was_made_with(string session, double peak)
    {
        var loudness = Analyze(Open(session).Path).Loudness;

        Assert.Equal(peak, loudness.PeakDbfs!.Value, 0.2);
        Assert.InRange(loudness.IntegratedLufs!.Value, peak - 26, peak - 10);
    }

    [Theory]
    [MemberData(nameof(Sessions))]
    public void Chunks_of_a_recording_are_whole_sentences_and_lose_nothing(string session)
    {
        var (path, transcript) = Open(session);

        var chunks = ChunkPlan.FromRecording(path, transcript, 2.5);

        output.WriteLine(string.Join("\n", chunks));
        Assert.InRange(chunks.Count, 3, 5);
        Assert.Equal(0, chunks[0].Start);
        Assert.Equal(WavFile.ReadFormat(path).Seconds, chunks[^1].End);
        Assert.All(chunks.Zip(chunks.Skip(1)), pair => Assert.Equal(pair.First.End, pair.Second.Start));
        Assert.Equal(transcript.Sentences.Select(s => s.Text), chunks.Select(c => c.Text));
    }

    [Theory]
    [MemberData(nameof(Sessions))]
    public void Chunks_analysed_apart_find_the_speech_of_the_whole(string session)
    {
        var (path, transcript) = Open(session);
        var whole = Analyze(path);

        var parts = ChunkPlan.FromRecording(path, transcript, 2.5).Select(c => Analyze(path, c.Start, c.End)).ToArray();

        Assert.Equal(whole.SpeechSeconds, parts.Sum(p => p.SpeechSeconds), 0.1 * whole.SpeechSeconds);
        Assert.Equal(whole.Segments.Count, parts.Sum(p => p.Segments.Count));
        Assert.All(whole.Segments.Zip(parts.SelectMany(p => p.Segments)), pair => Assert.Equal(pair.First.Start, pair.Second.Start, 0.1));
    }

    [Fact]
    public void Analyze_cancelled_stops() =>
        Assert.Throws<OperationCanceledException>(() => SpeechAnalysis.Analyze(Open("clinic-17").Path, cancellationToken: new CancellationToken(true)));

    [Fact]
    public void Analyze_takes_a_small_part_of_the_time_of_the_sound()
    {
        var path = Open("lecture-03").Path;
        Analyze(path);

        var clock = Stopwatch.StartNew();
        var analysis = Analyze(path);

        var perSecond = clock.Elapsed.TotalMilliseconds / (analysis.End - analysis.Start);
        output.WriteLine($"{perSecond:0.00} ms per second of sound");
        Assert.True(perSecond < 200, $"{perSecond:0.00} ms per second of sound");
    }

    private static SpeechAnalysis Analyze(string path, double start = 0, double end = double.PositiveInfinity) =>
        SpeechAnalysis.Analyze(path, start, end, TestContext.Current.CancellationToken);

    private static (string Path, Transcript Transcript) Open(string session)
    {
        var transcript = Transcript.Load(Path.Combine(Folder, $"{session}.json"));
        return (Path.Combine(Folder, transcript.Recording), transcript);
    }
}

namespace Gristmill.Samples.Speech.Tests;

public sealed class ChunkPlanTests
{
    private static readonly Transcript Silent = new("s1", "s1.wav", "v", []);

    [Fact]
    public void Cut_takes_the_pause_nearest_to_the_length_asked_for()
    {
        SpeechSegment[] speech = [new(0.5, 2), new(2.4, 3.4), new(3.8, 5.2), new(5.8, 9)];

        Assert.Equal([(0, 3.6), (3.6, 5.5), (5.5, 9.5)], Cut(9.5, speech, 3));
    }

    [Fact]
    public void Cut_without_a_pause_cuts_at_the_length_asked_for() =>
        Assert.Equal([(0, 2), (2, 4), (4, 6.5)], Cut(6.5, [new(0, 6.5)], 2));

    [Fact]
    public void Cut_gives_each_word_to_one_chunk()
    {
        var transcript = new Transcript("s1", "s1.wav", "v", [new("One two three.", 0.5, 2), new("Four five.", 2.5, 4)]);

        var chunks = ChunkPlan.Cut(4.5, [new(0.5, 2), new(2.5, 4)], transcript, 2);

        Assert.Equal([new(0, 0, 2.25, "One two three."), new(1, 2.25, 4.5, "Four five.")], chunks);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.3)]
    [InlineData(4.5)]
    public void Cut_of_no_more_than_one_and_a_half_is_one_chunk(double total) =>
        Assert.Equal([(0, total)], Cut(total, [new(1, 2), new(2.6, 3)], 3));

    [Theory]
    [InlineData(0.49)]
    [InlineData(601)]
    [InlineData(double.NaN)]
    public void Cut_length_out_of_bounds_is_refused(double seconds) =>
        Assert.Contains("from 0.5 to 600", Assert.Throws<ArgumentOutOfRangeException>(() => Cut(10, [], seconds)).Message);

    [Fact]
    public void TextBetween_shares_a_sentence_by_its_letters()
    {
        var transcript = new Transcript("s1", "s1.wav", "v", [new("aaa bbb ccc ddd", 1, 5), new("Next.", 6, 7)]);

        Assert.Equal("aaa bbb", transcript.TextBetween(0, 3));
        Assert.Equal("ccc ddd Next.", transcript.TextBetween(3, 100));
        Assert.Equal("", transcript.TextBetween(5, 6));
    }

    [Theory]
    [InlineData("null", "transcript is null")]
    [InlineData("{}", "transcript is not of the expected form")]
    [InlineData("""{"sessionId":null,"recording":"a.wav","voice":"v","sentences":[]}""", "transcript is not of the expected form")]
    [InlineData("""{"sessionId":"s","recording":"../a.wav","voice":"v","sentences":[]}""", "recording is '../a.wav'")]
    [InlineData("""{"sessionId":"s","recording":"a.wav","voice":"v","sentences":[null]}""", "sentences[0] is null")]
    [InlineData("""{"sessionId":"s","recording":"a.wav","voice":"v","sentences":[{"text":"a","start":-1,"end":1}]}""", "sentences[0].start is -1; it must be at least 0")]
    [InlineData("""{"sessionId":"s","recording":"a.wav","voice":"v","sentences":[{"text":"a","start":1,"end":2},{"text":"b","start":2.5,"end":2.4}]}""", "sentences[1].end is 2.4; it must be at least its start, 2.5")]
    public void Load_hostile_transcript_is_refused_with_field_and_bound(string json, string expected)
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, json);

            Assert.StartsWith(expected, Assert.Throws<InvalidDataException>(() => Transcript.Load(path)).Message);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static IEnumerable<(double, double)> Cut(double total, SpeechSegment[] speech, double seconds) =>
        ChunkPlan.Cut(total, speech, Silent, seconds).Select(c => (c.Start, c.End));
}

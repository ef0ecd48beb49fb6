// Cuts a recording into the chunks that are pushed as jobs. Called by whoever plays the producer.
//
//   read the recording → find its speech → cut in the pauses → give each chunk the words spoken in it
//
// It guarantees that the chunks cover the recording from 0 to its end without gap or overlap, in order.
namespace Gristmill.Samples.Speech;

/// <summary>A piece of a recording.</summary>
/// <param name="Index">Its place among the recording's chunks, from 0.</param>
/// <param name="Start">Seconds from the recording's start at which it starts.</param>
/// <param name="End">Seconds before which it ends.</param>
/// <param name="Text">The words of the transcript that are spoken in it.</param>
public sealed record SpeechChunk(int Index, double Start, double End, string Text);

/// <summary>Cuts recordings into chunks at pauses.</summary>
public static class ChunkPlan
{
    /// <summary>The shortest length to aim at, in seconds.</summary>
    public const double MinSeconds = 0.5;

    /// <summary>The longest length to aim at, in seconds.</summary>
    public const double MaxSeconds = 600;

    /// <summary>Reads a recording and cuts it.</summary>
    /// <param name="recordingPath">The WAV file; read whole, so at most <see cref="WavFile.MaxFramesPerRead"/> frames.</param>
    /// <param name="transcript">What is said in it.</param>
    /// <param name="seconds">The length to aim at; see <see cref="Cut"/>.</param>
    /// <exception cref="InvalidDataException">The file is no recording that <see cref="WavFile"/> reads.</exception>
    public static IReadOnlyList<SpeechChunk> FromRecording(string recordingPath, Transcript transcript, double seconds)
    {
        ArgumentNullException.ThrowIfNull(transcript);
        var clip = WavFile.Read(recordingPath);
        return Cut(clip.Seconds, SpeechSegments.Find(clip), transcript, seconds);
    }

    /// <summary>Cuts a recording in the middle of pauses, to the millisecond.</summary>
    /// <param name="total">The recording's length in seconds.</param>
    /// <param name="segments">Its speech, in order.</param>
    /// <param name="transcript">What is said in it.</param>
    /// <param name="seconds">
    /// The length to aim at, <see cref="MinSeconds"/> to <see cref="MaxSeconds"/>. Each chunk but the last takes from a half
    /// of it to one and a half: the pause nearest to it decides, and where there is none the cut goes through speech.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">The length to aim at is out of its bounds.</exception>
    public static IReadOnlyList<SpeechChunk> Cut(double total, IReadOnlyList<SpeechSegment> segments, Transcript transcript, double seconds)
    {
        ArgumentNullException.ThrowIfNull(segments);
        ArgumentNullException.ThrowIfNull(transcript);
        if (!(seconds >= MinSeconds && seconds <= MaxSeconds))
            throw new ArgumentOutOfRangeException(nameof(seconds), seconds, FormattableString.Invariant($"The length of a chunk must be from {MinSeconds} to {MaxSeconds} s."));
        var pauses = segments.Zip(segments.Skip(1), (before, after) => (before.End + after.Start) / 2).ToArray();
        var chunks = new List<SpeechChunk>();
        for (var start = 0.0; chunks.Count == 0 || start < total; start = chunks[^1].End)
        {
            var end = total - start > 1.5 * seconds ? NextCut(pauses, start, seconds) : total;
            chunks.Add(new SpeechChunk(chunks.Count, start, end, transcript.TextBetween(start, end)));
        }
        return chunks;
    }

    private static double NextCut(double[] pauses, double start, double seconds)
    {
        var aim = start + seconds;
        var cut = pauses
            .Where(pause => Math.Abs(pause - aim) <= seconds / 2)
            .DefaultIfEmpty(aim)
            .MinBy(pause => Math.Abs(pause - aim));
        return Math.Round(cut, 3);
    }
}

// What a handler does with one chunk of a recording; the whole of the signal work behind the samples.
//
//   WavFile reads the chunk's range → SpeechSegments finds the speech → Loudness measures the clip
//   → Pitch tracks the voice, and what it found within the speech is summed up
//
// It is pure: the same file and range give the same figures, on any machine, with no state in between.
namespace Gristmill.Samples.Speech;

/// <summary>What can be heard in a chunk of a recording.</summary>
/// <param name="Start">Seconds from the recording's start at which the chunk starts.</param>
/// <param name="End">Seconds before which it ends; never past the recording's end.</param>
/// <param name="SampleRate">The recording's sample rate in Hz.</param>
/// <param name="Segments">The stretches of speech, in seconds from the recording's start.</param>
/// <param name="SpeechSeconds">Their length together.</param>
/// <param name="Loudness">How loud the chunk is.</param>
/// <param name="Pitch">The voice's pitch within the speech.</param>
public sealed record SpeechAnalysis(
    double Start,
    double End,
    int SampleRate,
    IReadOnlyList<SpeechSegment> Segments,
    double SpeechSeconds,
    Loudness Loudness,
    Pitch Pitch)
{
    /// <summary>Analyses the range of a recording from <paramref name="start"/> up to but not at <paramref name="end"/>.</summary>
    /// <param name="path">The WAV file.</param>
    /// <param name="start">Seconds, from 0 to the recording's length.</param>
    /// <param name="end">Seconds, not before the start; past the recording's end it means that end.</param>
    /// <param name="cancellationToken">Ends the work between its steps.</param>
    /// <exception cref="InvalidDataException">The file is no recording that <see cref="WavFile"/> reads; the message names field and bound.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range is not in the recording, or too long to be read at once.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public static SpeechAnalysis Analyze(
        string path, double start = 0, double end = double.PositiveInfinity, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var clip = WavFile.Read(path, start, end);
        cancellationToken.ThrowIfCancellationRequested();
        var segments = SpeechSegments.Find(clip);
        cancellationToken.ThrowIfCancellationRequested();
        var loudness = Loudness.Measure(clip);
        cancellationToken.ThrowIfCancellationRequested();
        var pitch = Pitch.Summarize(Pitch.Track(clip).Where(frame => segments.Any(s => frame.Time >= s.Start && frame.Time < s.End)));
        return new SpeechAnalysis(
            clip.Start, clip.Start + clip.Seconds, clip.SampleRate, segments, segments.Sum(s => s.Seconds), loudness, pitch);
    }
}

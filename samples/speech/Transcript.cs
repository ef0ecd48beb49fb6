using System.Text.Json;

namespace Gristmill.Samples.Speech;

/// <summary>A sentence of a transcript.</summary>
/// <param name="Text">What is said.</param>
/// <param name="Start">Seconds from the recording's start at which it starts.</param>
/// <param name="End">Seconds at which it ends.</param>
public sealed record Sentence(string Text, double Start, double End);

/// <summary>A word and about when it is spoken.</summary>
/// <param name="Text">The word, with the punctuation that belongs to it.</param>
/// <param name="Time">The seconds of its middle.</param>
public readonly record struct SpokenWord(string Text, double Time);

/// <summary>What is said in a recording, and when.</summary>
/// <param name="SessionId">The session that the recording is of.</param>
/// <param name="Recording">The name of the recording's file, beside the transcript.</param>
/// <param name="Voice">Who speaks.</param>
/// <param name="Sentences">The sentences in order, none over another.</param>
public sealed record Transcript(string SessionId, string Recording, string Voice, IReadOnlyList<Sentence> Sentences)
{
    /// <summary>The largest file read, in bytes.</summary>
    public const int MaxBytes = 1_000_000;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>Reads a transcript from JSON.</summary>
    /// <exception cref="InvalidDataException">The file is no transcript; the message names the field and the bound.</exception>
    public static Transcript Load(string path)
    {
        using var file = File.OpenRead(path);
        if (file.Length > MaxBytes)
            throw new InvalidDataException($"transcript length is {file.Length} bytes; at most {MaxBytes} are read.");
        try
        {
            var transcript = JsonSerializer.Deserialize<Transcript>(file, Json)
                ?? throw new InvalidDataException("transcript is null; it must be an object.");
            transcript.Check();
            return transcript;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"transcript is not of the expected form: {e.Message}", e);
        }
    }

    /// <summary>The words with their times. Within a sentence each takes time by its length, since only sentences are timed.</summary>
    public IEnumerable<SpokenWord> Words()
    {
        foreach (var sentence in Sentences)
        {
            var words = sentence.Text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            var secondsPerLetter = (sentence.End - sentence.Start) / words.Sum(w => w.Length + 1);
            var at = sentence.Start;
            foreach (var word in words)
            {
                var seconds = (word.Length + 1) * secondsPerLetter;
                yield return new SpokenWord(word, at + seconds / 2);
                at += seconds;
            }
        }
    }

    /// <summary>The words whose middle is from <paramref name="start"/> up to but not at <paramref name="end"/>, as text.</summary>
    public string TextBetween(double start, double end) =>
        string.Join(' ', Words().Where(w => w.Time >= start && w.Time < end).Select(w => w.Text));

    private void Check()
    {
        if (Recording.Length == 0 || Recording != Path.GetFileName(Recording))
            throw new InvalidDataException($"recording is '{Recording}'; it must be a file name without a folder.");
        var last = 0.0;
        for (var i = 0; i < Sentences.Count; i++)
        {
            if (Sentences[i] is not { } sentence)
                throw new InvalidDataException($"sentences[{i}] is null; it must be an object.");
            if (sentence.Start < last)
                throw new InvalidDataException(FormattableString.Invariant($"sentences[{i}].start is {sentence.Start}; it must be at least {last}, where the one before ends."));
            if (sentence.End < sentence.Start)
                throw new InvalidDataException(FormattableString.Invariant($"sentences[{i}].end is {sentence.End}; it must be at least its start, {sentence.Start}."));
            last = sentence.End;
        }
    }
}

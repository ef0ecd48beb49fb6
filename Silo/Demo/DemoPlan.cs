using Gristmill.Samples.Speech;

namespace Gristmill.Silo.Demo;

/// <summary>One item that the demo's producer pushes, as the bytes that it pushes.</summary>
/// <param name="List">The list.</param>
/// <param name="Item">The JSON, or what is meant to be.</param>
internal sealed record DemoPush(string List, string Item);

/// <summary>
/// What the demo pushes: the recordings cut into chunks, in the order in which they would come in while four people speak
/// at once, and among them the three chunks that go wrong.
/// </summary>
internal sealed class DemoPlan
{
    public const string SpeechList = "asr_chunk_queue";
    public const string WordsList = "transcript_queue";

    /// <summary>The session whose last recording is uploaded late: its job fails until the file is there.</summary>
    public const string LateSession = "lecture-03";

    /// <summary>The file that is uploaded late.</summary>
    public const string LateRecording = "lecture-03-late.wav";

    /// <summary>A file that is no recording.</summary>
    public const string BrokenRecording = "broken.wav";

    private const double ChunkSeconds = 2.5;

    private DemoPlan(IReadOnlyList<string> sessions, IReadOnlyList<DemoPush> pushes, int speech, int words)
    {
        Sessions = sessions;
        Pushes = pushes;
        Speech = speech;
        Words = words;
    }

    public IReadOnlyList<string> Sessions { get; }

    public IReadOnlyList<DemoPush> Pushes { get; }

    /// <summary>Chunks of speech that can be done.</summary>
    public int Speech { get; }

    /// <summary>Transcripts to be counted.</summary>
    public int Words { get; }

    /// <summary>Plans the pushes for the recordings of a folder.</summary>
    /// <param name="recordings">The folder with WAV files and transcripts.</param>
    /// <param name="withWords">Whether transcripts are pushed too.</param>
    public static DemoPlan Make(string recordings, bool withWords)
    {
        var sessions = new SortedDictionary<string, IReadOnlyList<Gristmill.Samples.Speech.SpeechChunk>>(StringComparer.Ordinal);
        foreach (var file in Directory.GetFiles(recordings, "*.json").Order(StringComparer.Ordinal))
        {
            var transcript = Transcript.Load(file);
            sessions[transcript.SessionId] = ChunkPlan.FromRecording(Path.ChangeExtension(file, ".wav"), transcript, ChunkSeconds);
        }

        var pushes = new List<DemoPush>();
        int speech = 0, words = 0;
        for (var chunk = 0; chunk < sessions.Values.Max(c => c.Count); chunk++)
        {
            foreach (var (session, chunks) in sessions.Where(s => chunk < s.Value.Count))
            {
                var piece = chunks[chunk];
                var late = session == LateSession && chunk == chunks.Count - 1;
                pushes.Add(Speak(session, chunk, late ? LateRecording : session + ".wav", piece.Start, piece.End));
                speech++;
                if (!withWords) continue;
                pushes.Add(new DemoPush(WordsList, System.Text.Json.JsonSerializer.Serialize(new { session_id = session, chunk, transcript = piece.Text })));
                words++;
            }

            if (chunk == 0) pushes.Add(new DemoPush(SpeechList, """{"session_id":"harbour-08","chunk":4,"recording":"harbour-08.w"""));
            if (chunk == 1) pushes.Add(Speak("clinic-17", 4, BrokenRecording, 0, 2));
        }

        return new DemoPlan([.. sessions.Keys], pushes, speech, words);
    }

    private static DemoPush Speak(string session, int chunk, string recording, double start, double end) =>
        new(SpeechList, System.Text.Json.JsonSerializer.Serialize(new { session_id = session, chunk, recording, start, end }));
}

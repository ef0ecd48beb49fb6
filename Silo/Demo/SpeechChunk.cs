using System.Text.Json.Serialization;

namespace Gristmill.Silo.Demo;

/// <summary>What the demo's producer pushes: a piece of a recording.</summary>
/// <param name="SessionId">The session.</param>
/// <param name="Chunk">Its number in the session, from 0.</param>
/// <param name="Recording">The WAV file's name.</param>
/// <param name="Start">Where the piece begins, seconds.</param>
/// <param name="End">Where it ends, seconds.</param>
internal sealed record SpeechChunk([property: JsonPropertyName("session_id")] string SessionId, int Chunk, string Recording, double Start, double End);

/// <summary>What the handler finds in a piece.</summary>
/// <param name="SessionId">The session.</param>
/// <param name="Chunk">Its number in the session.</param>
/// <param name="Segments">Stretches of speech.</param>
/// <param name="SpeechSeconds">Speech in all, seconds.</param>
/// <param name="LoudnessLufs">Integrated loudness; null where it is too quiet to say.</param>
/// <param name="PitchHz">Median pitch; null where nothing is voiced.</param>
internal sealed record SpeechFeatures(string SessionId, int Chunk, int Segments, double SpeechSeconds, double? LoudnessLufs, double? PitchHz);

using Gristmill.Grains.Handlers;
using Gristmill.Samples.Speech;

namespace Gristmill.Silo.Demo;

/// <summary>
/// The demo's C# handler: finds the speech in a piece of a recording, its loudness and its pitch. A file that is not there
/// (yet) is worth a retry; one that is no recording, or a piece beyond its end, never will be.
/// </summary>
internal sealed class SpeechHandler(DemoFolder folder) : IJobHandler<SpeechChunk, SpeechFeatures>
{
    public const string Name = "demo-speech";

    public Task<SpeechFeatures> HandleAsync(SpeechChunk payload, JobContext context, CancellationToken cancellationToken)
    {
        var path = folder.PathOf(payload.Recording);
        context.ReportProgress(0, 1, "reading");
        try
        {
            var analysis = SpeechAnalysis.Analyze(path, payload.Start, payload.End, cancellationToken);
            context.ReportProgress(1, 1, "analysed");
            return Task.FromResult(new SpeechFeatures(
                payload.SessionId, payload.Chunk, analysis.Segments.Count, analysis.SpeechSeconds, analysis.Loudness.IntegratedLufs, analysis.Pitch.MedianHz));
        }
        catch (Exception error) when (error is InvalidDataException or ArgumentOutOfRangeException)
        {
            throw new JobFailedException(error.Message, JobFailureKind.Fatal);
        }
    }
}

/// <summary>Where the demo's recordings are.</summary>
/// <param name="Path">The folder.</param>
internal sealed record DemoFolder(string Path)
{
    public string PathOf(string recording) => System.IO.Path.Combine(Path, System.IO.Path.GetFileName(recording));
}

using Gristmill.Grains.Handlers;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Gristmill.Samples.Handler;

public sealed record SpeechChunk(string SessionId, int Chunk, string? Transcript);
public sealed record WordCount(int Words);

[JobHandler("count_words")]
public sealed class CountWords(StopWords stopWords) : IJobHandler<SpeechChunk, WordCount>
{
    public async Task<WordCount> HandleAsync(SpeechChunk chunk, JobContext context, CancellationToken cancellationToken)
    {
        if (chunk.Transcript is null) throw new JobFailedException("There is no transcript.", JobFailureKind.Fatal);
        context.Logger.LogInformation("Chunk {Chunk}, attempt {Attempt}", chunk.Chunk, context.Attempt);
        context.ReportProgress(1, 2, "counting");
        await Task.Yield();
        return new WordCount(chunk.Transcript.Split(' ').Count(word => !stopWords.Contains(word)));
    }
}

public sealed class StopWords(IEnumerable<string> words) : HashSet<string>(words);

public sealed class HandlerServices : IHandlerServices
{
    public void Add(IServiceCollection services, IConfiguration configuration) =>
        services.AddSingleton(new StopWords((configuration["StopWords"] ?? "").Split(' ')));
}

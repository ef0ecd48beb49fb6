using System.Security.Cryptography;
using System.Text.Json.Serialization;
using Gristmill.Client;

namespace Gristmill.AspNetApi;

/// <summary>What goes to the worker.</summary>
/// <param name="Path">Where the file is.</param>
/// <param name="Name">What its owner calls it.</param>
internal sealed record Document(string Path, string Name);

/// <summary>What comes back.</summary>
/// <param name="Words">Words in all.</param>
/// <param name="Top">The words that are there most often.</param>
internal sealed record Counts(int Words, IReadOnlyList<WordCount> Top);

/// <summary>One word.</summary>
/// <param name="Word">The word.</param>
/// <param name="Count">How often it is there.</param>
internal sealed record WordCount(string Word, int Count);

/// <summary>What callers of the API see of a job.</summary>
/// <param name="Id">The document's id.</param>
/// <param name="State">queued, running, completed, …</param>
/// <param name="Percent">How far it is, 0 to 100.</param>
/// <param name="Result">The counts, once completed.</param>
/// <param name="Error">Why there are none.</param>
internal sealed record DocumentStatus(string Id, string State, double? Percent, Counts? Result, string? Error)
{
    public static DocumentStatus Of(Job job) => new(
        job.Id,
        Store.JobStates.Name(job.State),
        job.Progress?.Percent,
        job.State == Store.JobState.Completed ? job.GetResult(DocumentJson.Default.Counts) : null,
        job.IsFinished && job.State != Store.JobState.Completed ? job.Errors.LastOrDefault()?.Message ?? job.Reason : null);
}

/// <summary>
/// The documents: a file each, and a job of the same id. The id is made of the content, so that who uploads again, because the answer
/// was lost or by mistake, gets the same job and no second one.
/// </summary>
internal sealed class Documents(IGristmillClient client, string folder)
{
    public const string Queue = "documents";
    public const int MaxBytes = 10 * 1024 * 1024;

    public IQueueClient Jobs { get; } = client.Queue(Queue);

    /// <summary>Keeps a file and enqueues its job.</summary>
    public async Task<JobHandle> AddAsync(IFormFile file, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        var partial = Path.Combine(folder, $"{Guid.NewGuid():N}.part");
        try
        {
            string id;
            await using (var kept = File.Create(partial))
            {
                await file.CopyToAsync(kept, cancellationToken);
                kept.Position = 0;
                id = Convert.ToHexStringLower(await SHA256.HashDataAsync(kept, cancellationToken))[..32];
            }

            // The file is whole before its job can start.
            var path = Path.Combine(folder, $"{id}.txt");
            File.Move(partial, path, overwrite: true);
            return await Jobs.EnqueueAsync(new Document(path, $"{id}.txt"), DocumentJson.Default.Document, new EnqueueOptions { Id = id }, cancellationToken);
        }
        finally
        {
            File.Delete(partial);
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Document))]
[JsonSerializable(typeof(Counts))]
[JsonSerializable(typeof(DocumentStatus))]
[JsonSerializable(typeof(Microsoft.AspNetCore.Mvc.ProblemDetails))]
internal sealed partial class DocumentJson : JsonSerializerContext;

using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using Gristmill.Client;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Gristmill.AspNetApi;

/// <summary>The calls: upload, look, follow, cancel.</summary>
internal static class DocumentCalls
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var documents = routes.MapGroup("/documents");
        documents.MapPost("", UploadAsync).DisableAntiforgery();
        documents.MapGet("/{id}", GetAsync);
        documents.MapGet("/{id}/events", EventsAsync);
        documents.MapDelete("/{id}", CancelAsync);
    }

    // 202 with the place to ask at, also for a document that is known already.
    private static async Task<Results<Accepted<DocumentStatus>, ProblemHttpResult>> UploadAsync(IFormFile file, Documents documents, CancellationToken cancellationToken)
    {
        if (file.Length is 0 or > Documents.MaxBytes)
        {
            return TypedResults.Problem($"The file has {file.Length} bytes; 1 to {Documents.MaxBytes} are taken.", statusCode: StatusCodes.Status400BadRequest);
        }

        try
        {
            var job = await documents.AddAsync(file, cancellationToken);
            var now = await job.GetAsync(cancellationToken);
            return TypedResults.Accepted($"/documents/{job.Id}", now is null ? new DocumentStatus(job.Id, "queued", null, null, null) : DocumentStatus.Of(now));
        }
        catch (EnqueueFailedException error)
        {
            // Nothing is lost by trying again: the id is the same.
            return TypedResults.Problem(error.Message, statusCode: StatusCodes.Status503ServiceUnavailable);
        }
    }

    private static async Task<Results<Ok<DocumentStatus>, NotFound>> GetAsync(string id, Documents documents, CancellationToken cancellationToken) =>
        await documents.Jobs.GetAsync(id, cancellationToken) is { } job ? TypedResults.Ok(DocumentStatus.Of(job)) : TypedResults.NotFound();

    private static async Task<Results<ServerSentEventsResult<DocumentStatus>, NotFound>> EventsAsync(string id, Documents documents, CancellationToken cancellationToken)
    {
        if (await documents.Jobs.GetAsync(id, cancellationToken) is null) return TypedResults.NotFound();
        return TypedResults.ServerSentEvents(FollowAsync(id, documents, cancellationToken));
    }

    // Ends with the outcome. A browser that lost its connection asks again, and begins with the state of then.
    private static async IAsyncEnumerable<SseItem<DocumentStatus>> FollowAsync(string id, Documents documents, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var happened in documents.Jobs.WatchAsync(id, cancellationToken))
        {
            yield return new SseItem<DocumentStatus>(DocumentStatus.Of(happened.Job), happened.Kind == JobEventKind.Progress ? "progress" : "state");
        }
    }

    private static async Task<Results<Ok<DocumentStatus>, NotFound>> CancelAsync(string id, Documents documents, CancellationToken cancellationToken)
    {
        if (await documents.Jobs.GetAsync(id, cancellationToken) is null) return TypedResults.NotFound();
        await documents.Jobs.CancelAsync(id, "asked for over the API", cancellationToken);
        return await GetAsync(id, documents, cancellationToken);
    }
}

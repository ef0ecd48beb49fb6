using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Gristmill.Client;
using Gristmill.Silo.Http;
using Gristmill.Store;

namespace Gristmill.Silo.Commands.Api;

/// <summary>
/// Follows a job by its server-sent events. When the stream breaks (the silo restarts, a proxy closes it) it is opened anew, so
/// often in a row as is bounded; the state that it then begins with is passed on only where it is another than before.
/// </summary>
internal sealed class ApiJobEvents(ApiConnection connection, string queue, string id)
{
    // A silo that is replaced is back within this, and another one behind the same address sooner.
    private const int MostFailures = 60;
    private static readonly TimeSpan Delay = TimeSpan.FromSeconds(1);

    private Job? _last;
    private string? _lastEventId;
    private int _failures;

    /// <summary>The events. To be enumerated once.</summary>
    /// <exception cref="JobNotFoundException">There is no such job, or no longer.</exception>
    public async IAsyncEnumerable<JobEvent> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (_last is not { IsFinished: true })
        {
            using var response = await OpenAsync(cancellationToken);
            if (response is null)
            {
                if (_lastEventId == JobEventStream.EndId) yield break;
                await PauseAsync(cancellationToken);
                continue;
            }

            await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
            await using var events = SseParser.Create(stream, (_, data) => data.ToArray()).EnumerateAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
            while (await NextAsync(events, cancellationToken))
            {
                _failures = 0;
                _lastEventId = events.Current.EventId ?? _lastEventId;
                if (Take(events.Current) is { } happened) yield return happened;
            }

            if (_last is not { IsFinished: true }) await PauseAsync(cancellationToken);
        }
    }

    // Null when nothing is there to read now.
    private async Task<HttpResponseMessage?> OpenAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await connection.OpenAsync(ApiConnection.Path("queues", queue, "jobs", id, "events"), _lastEventId, cancellationToken);
        }
        catch (ApiRefusal e) when (ApiAbsence.Is(e))
        {
            throw new JobNotFoundException(queue, id);
        }
        catch (Exception e) when (_last is not null && _failures < MostFailures && e is ApiUnavailableException or ApiRefusal { MayPass: true })
        {
            return null;
        }
    }

    // False when the stream ends, however it does.
    private async Task<bool> NextAsync(IAsyncEnumerator<SseItem<byte[]>> events, CancellationToken cancellationToken)
    {
        try
        {
            return await events.MoveNextAsync();
        }
        catch (Exception e) when (e is IOException or HttpRequestException && !cancellationToken.IsCancellationRequested && _failures < MostFailures)
        {
            return false;
        }
    }

    private Task PauseAsync(CancellationToken cancellationToken)
    {
        _failures++;
        return Task.Delay(Delay, connection.Clock, cancellationToken);
    }

    private JobEvent? Take(SseItem<byte[]> item)
    {
        try
        {
            if (item.EventType == "progress")
            {
                if (_last is null) return null;
                _last = _last with { Progress = JsonSerializer.Deserialize<JobProgress>(item.Data, ApiJson.Options) };
                return new JobEvent(JobEventKind.Progress, _last);
            }

            if (item.EventType != "state" || JsonSerializer.Deserialize<Job>(item.Data, ApiJson.Options) is not { } job) return null;
            var before = _last;
            _last = job;
            if (before is null) return new JobEvent(JobEventKind.State, job);
            return JobWatch.Difference(before, job) is { } kind ? new JobEvent(kind, job) : null;
        }
        catch (JsonException e)
        {
            throw new ApiUnavailableException(connection.Url, $"sent an event that cannot be read: {e.Message}", e);
        }
    }
}

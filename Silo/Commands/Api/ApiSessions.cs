using System.Globalization;
using Gristmill.Client;

namespace Gristmill.Silo.Commands.Api;

/// <summary>The sessions of one queue by the API.</summary>
internal sealed class ApiSessions(ApiConnection connection, string queue) : ISessions
{
    public Task<SessionList> ListAsync(string? cursor = null, int limit = 100, CancellationToken cancellationToken = default) =>
        ApiAbsence.PageAsync(() => connection.GetAsync<SessionList>(Page(ApiConnection.Path("sessions", queue), cursor, limit), cancellationToken), new SessionList([], null));

    public Task<Session?> GetAsync(string id, CancellationToken cancellationToken = default) =>
        ApiAbsence.NullAsync(() => connection.GetAsync<Session>(ApiConnection.Path("sessions", queue, id), cancellationToken));

    public Task<SessionJobList> JobsAsync(string id, string? cursor = null, int limit = 100, CancellationToken cancellationToken = default) =>
        ApiAbsence.PageAsync(
            () => connection.GetAsync<SessionJobList>(Page(ApiConnection.Path("sessions", queue, id, "jobs"), cursor, limit), cancellationToken), new SessionJobList([], null));

    public Task<SessionVerdict> EndAsync(string id, CancellationToken cancellationToken = default) => MoveAsync(id, "end", cancellationToken);

    public Task<SessionVerdict> CancelAsync(string id, CancellationToken cancellationToken = default) => MoveAsync(id, "cancel", cancellationToken);

    private async Task<SessionVerdict> MoveAsync(string id, string move, CancellationToken cancellationToken)
    {
        try
        {
            await connection.PostAsync<Session>(ApiConnection.Path("sessions", queue, id, move), default, cancellationToken);
            return SessionVerdict.Accepted;
        }
        catch (ApiRefusal e) when (e.Code == "session_over")
        {
            return SessionVerdict.Over;
        }
        catch (ApiRefusal e) when (ApiAbsence.Is(e))
        {
            return SessionVerdict.Unknown;
        }
    }

    private static string Page(string path, string? cursor, int limit) =>
        ApiConnection.Query(path, ("cursor", cursor), ("limit", limit.ToString(CultureInfo.InvariantCulture)));
}

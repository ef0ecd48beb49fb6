using Gristmill.Client;

namespace Gristmill.Silo.Commands.Api;

/// <summary>What is not there: the API refuses with 404, where the store's client has null, nothing, or an outcome.</summary>
internal static class ApiAbsence
{
    /// <summary>Whether the thing that was asked for, or its queue, is not there.</summary>
    public static bool Is(ApiRefusal refusal) => refusal.Code is "unknown_queue" or "unknown_job" or "unknown_dead_letter" or "unknown_session" or "unknown_silo";

    /// <summary>The thing, or null.</summary>
    public static async Task<T?> NullAsync<T>(Func<Task<T>> call)
        where T : class
    {
        try
        {
            return await call();
        }
        catch (ApiRefusal e) when (Is(e))
        {
            return null;
        }
    }

    /// <summary>A page; an empty one of what is not there.</summary>
    /// <exception cref="FormatException">The cursor is none of this list.</exception>
    public static async Task<T> PageAsync<T>(Func<Task<T>> call, T empty)
        where T : class
    {
        try
        {
            return await NullAsync(call) ?? empty;
        }
        catch (ApiRefusal e) when (e.Field == "cursor")
        {
            throw new FormatException(e.Message, e);
        }
    }

    /// <summary>The outcome of a call that gives an ended job another life.</summary>
    public static async Task<RequeueOutcome> RequeueAsync(Func<Task<Job>> call)
    {
        try
        {
            await call();
            return RequeueOutcome.Requeued;
        }
        catch (ApiRefusal e) when (e.Code == "live")
        {
            return RequeueOutcome.Live;
        }
        catch (ApiRefusal e) when (Is(e))
        {
            return RequeueOutcome.Unknown;
        }
    }
}

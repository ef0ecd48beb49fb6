using System.Globalization;
using Gristmill.Store;

namespace Gristmill.Silo.Http;

/// <summary>Values of the query, with problems that name the field and the bound.</summary>
internal static class QueryValues
{
    public const int DefaultLimit = 100;

    public static int Limit(HttpRequest request)
    {
        if (Text(request, "limit") is not { } text) return DefaultLimit;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) && limit is >= 1 and <= QueueStore.MaxPage
            ? limit
            : throw ApiProblemException.InvalidField("limit", $"The field 'limit' is '{text}'; expected is a whole number from 1 to {QueueStore.MaxPage}.");
    }

    public static string? Cursor(HttpRequest request) => Text(request, "cursor");

    public static JobState? State(HttpRequest request)
    {
        if (Text(request, "state") is not { } text) return null;
        return JobStates.TryParse(text, out var state)
            ? state
            : throw ApiProblemException.InvalidField("state", $"The field 'state' is '{text}'; expected is one of {string.Join(", ", Enum.GetValues<JobState>().Select(JobStates.Name))}.");
    }

    public static DateTimeOffset? Time(string field, string? text)
    {
        if (text is null) return null;
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            ? time
            : throw ApiProblemException.InvalidField(field, $"The field '{field}' is '{text}'; expected is a time in ISO 8601.");
    }

    public static string? Text(HttpRequest request, string name) => request.Query.TryGetValue(name, out var values) && values.ToString() is { Length: > 0 } text ? text : null;

    /// <summary>Reads a page; a cursor that is not this queue's is the caller's mistake.</summary>
    public static async Task<T> PageAsync<T>(Func<Task<T>> read)
    {
        try
        {
            return await read();
        }
        catch (FormatException)
        {
            throw ApiProblemException.InvalidField("cursor", "The field 'cursor' is none that this list gave.");
        }
    }
}

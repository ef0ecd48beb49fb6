using Gristmill.Client;

namespace Gristmill.Silo.Http;

/// <summary>
/// The header Idempotency-Key (https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/): another way to
/// give a job its id, for clients that send such keys by themselves. In quotes, as the draft says, or bare, as many send it.
/// </summary>
internal static class IdempotencyKey
{
    public const string Header = "Idempotency-Key";

    /// <summary>The job with the key as its id.</summary>
    /// <exception cref="ApiProblemException">The body has another id, or the key is empty, or there are several.</exception>
    public static EnqueueRequest Apply(EnqueueRequest job, HttpRequest request)
    {
        if (!request.Headers.TryGetValue(Header, out var values)) return job;
        if (values.Count > 1) throw ApiProblemException.InvalidField(Header, $"The header '{Header}' is there {values.Count} times; a job has one id.");
        var key = Unquoted(values.ToString().Trim());
        if (key.Length == 0) throw ApiProblemException.InvalidField(Header, $"The header '{Header}' is empty; it must be the job's id.");
        var options = job.Options ?? new EnqueueOptions();
        if (options.Id is { } id && id != key) throw ApiProblemException.InvalidField(Header, $"The header '{Header}' is '{key}' and the field 'id' is '{id}'; a job has one id.");
        return job with { Options = options with { Id = key } };
    }

    /// <summary>Refuses one with a batch, rather than passing it over: it would promise what is not kept.</summary>
    public static void Refuse(HttpRequest request)
    {
        if (request.Headers.ContainsKey(Header)) throw ApiProblemException.InvalidField(Header, $"The header '{Header}' is for one job; give each job of a batch an 'id'.");
    }

    private static string Unquoted(string value) => value is ['"', .. var inner, '"'] ? inner : value;
}

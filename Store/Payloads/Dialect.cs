using System.Text.Json.Serialization;

namespace Gristmill.Store.Payloads;

/// <summary>
/// Another job library whose messages a queue can take as jobs: those that are JSON and lie whole in a list. Lists of the
/// others hold ids alone.
/// </summary>
[JsonConverter(typeof(JsonStringEnumConverter<Dialect>))]
public enum Dialect
{
    /// <summary>Python's Celery on Redis: the messages of kombu.</summary>
    Celery,

    /// <summary>Ruby's Sidekiq.</summary>
    Sidekiq,

    /// <summary>Ruby's Resque.</summary>
    Resque,

    /// <summary>The queues of PHP's Laravel.</summary>
    Laravel,
}

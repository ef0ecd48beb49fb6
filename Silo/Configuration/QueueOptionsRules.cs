using Gristmill.Grains.Options;
using Gristmill.Grains.Workers;
using Gristmill.Store;
using Gristmill.Store.Payloads;
using Gristmill.Store.Sessions;

namespace Gristmill.Silo.Configuration;

/// <summary>The bounds of <see cref="QueueOptions"/>, as documented there.</summary>
internal static class QueueOptionsRules
{
    private const int MostLists = 16;

    public static void Check(string name, QueueOptions options, OptionProblems found)
    {
        if (!RedisKeys.IsName(name))
        {
            found.AddMessage(null, $"has the name '{name}'; a queue's name is 1 to 128 letters, digits, '.', '_', ':' and '-'.");
        }

        Work(options, found);
        GpuOptionsRules.Check(options, found);
        Lists(options, found);
        LabelRules.Check(options.Labels, found);
        Bounds(options, found);
        Retries(options.Retry, found.Under("Retry"));
        Names(options.Fields, found.Under("Fields"));
        if (options.Sessions is { } sessions) Sessions(sessions, found.Under("Sessions"));
    }

    private static void Work(QueueOptions options, OptionProblems found)
    {
        var handler = !string.IsNullOrWhiteSpace(options.Handler);
        if (!handler && options.Worker is null)
        {
            found.AddMessage(null, "has neither Handler nor Worker; nothing would do its work. Set Handler (--handler NAME, from an assembly given by --handlers) or Worker:Command (--worker 'COMMAND').");
        }
        else if (handler && options.Worker is not null)
        {
            found.AddMessage(null, $"has both Handler ('{options.Handler}') and Worker; set one of them.");
        }

        if (options.Worker is { } worker)
        {
            found.AddRange(WorkerOptionsValidation.Validate(worker, found.Path("Worker")));
        }
    }

    private static void Lists(QueueOptions options, OptionProblems found)
    {
        var lists = options.AllLists();
        if (lists.Count > MostLists)
        {
            found.AddMessage("Lists", $"are {lists.Count} together with List; it must be at most {MostLists}.");
        }

        if (options.List is { Length: 0 })
        {
            found.Add("List", options.List, "the key of a list; leave it out for a queue that is fed by API only");
        }

        for (var i = 0; i < options.Lists.Count; i++)
        {
            if (options.Lists[i].Name.Length == 0)
            {
                found.Add($"Lists:{i}:Name", options.Lists[i].Name, "the key of a list");
            }

            found.Range($"Lists:{i}:Priority", options.Lists[i].Priority, 0, 9);
        }

        foreach (var twice in lists.GroupBy(l => l.Name, StringComparer.Ordinal).Where(g => g.Count() > 1))
        {
            found.AddMessage("Lists", $"has '{twice.Key}' {twice.Count()} times; name each list once.");
        }

        if (options.PopFrom is { } end && !Enum.IsDefined(end)) found.Add("PopFrom", end.ToString(), "Left or Right");
        if (options.Dialect is { } dialect && !Enum.IsDefined(dialect)) found.Add("Dialect", dialect.ToString(), "Celery or Sidekiq or Resque or Laravel");

        if (options.DeadLetterList is { Length: 0 })
        {
            found.Add("DeadLetterList", options.DeadLetterList, "the key of a list; leave it out for none");
        }

        for (var i = 0; i < options.ReplyToPrefixes.Count; i++)
        {
            if (options.ReplyToPrefixes[i].Length == 0)
            {
                found.Add($"ReplyToPrefixes:{i}", "", "at least one character: an empty prefix would let a payload name any key");
            }
        }
    }

    private static void Bounds(QueueOptions options, OptionProblems found)
    {
        found.Range("Concurrency", options.Concurrency, 1, 100_000);
        found.Range("ClusterConcurrency", options.ClusterConcurrency, 0, 1_000_000);
        found.Range("TimeoutSeconds", options.TimeoutSeconds, PayloadReader.MinTimeoutSeconds, PayloadReader.MaxTimeoutSeconds);
        found.Range("LostBudget", options.LostBudget, 0, 100);
        found.Range("OutOfMemoryBudget", options.OutOfMemoryBudget, 0, 100);
        found.Range("MaxPayloadBytes", options.MaxPayloadBytes, 1, 536_870_912);
        found.Range("Window", options.Window, 1, 100_000);
        found.Range("DeadLetterLimit", options.DeadLetterLimit, 1, 10_000_000);
        found.Range("WaitingLimit", options.WaitingLimit, 1, 10_000_000);
        found.Range("IdWindowSeconds", options.IdWindowSeconds, 1, 2_592_000);
        found.Range("KeepFinished", options.KeepFinished, 0, 100_000_000);
        found.Range("KeepFinishedSeconds", options.KeepFinishedSeconds, 0, 31_536_000);
    }

    private static void Retries(RetryOptions options, OptionProblems found)
    {
        found.Range("Retries", options.Retries, 0, 1000);
        found.Range("BaseSeconds", options.BaseSeconds, 0, 86_400);
        found.Range("Factor", options.Factor, 1, 10);
        found.Range("CapSeconds", options.CapSeconds, 0, 604_800);
        found.Range("Jitter", options.Jitter, 0, 1);
    }

    private static void Sessions(QueueSessionOptions options, OptionProblems found)
    {
        if (!Enum.IsDefined(options.Order)) found.Add("Order", options.Order.ToString(), "Arrival or Sequence");
        if (!Enum.IsDefined(options.OnFailure)) found.Add("OnFailure", options.OnFailure.ToString(), "Skip, Fail or Wait");
        found.Range("Concurrency", options.Concurrency, 1, 1000);
        found.Range("FirstSequence", options.FirstSequence, 0, SessionPolicy.MaxSequence);
        found.Range("GapSeconds", options.GapSeconds, 0.1, 86_400);
        found.Range("IdleSeconds", options.IdleSeconds, 0, 2_592_000);
        found.Range("StickySeconds", options.StickySeconds, 0, 60);
        if (options.FinalQueue is { } final && !RedisKeys.IsName(final))
        {
            found.Add("FinalQueue", final, "the name of a queue: 1 to 128 letters, digits, '.', '_', ':' and '-'");
        }
    }

    private static void Names(PayloadFields fields, OptionProblems found)
    {
        foreach (var property in typeof(PayloadFields).GetProperties().Where(p => p.PropertyType == typeof(string)))
        {
            // Those of sessions have no name where nothing is to be read.
            if (property.GetValue(fields) is string { Length: 0 } || (property.GetValue(fields) is null && property.Name is not (nameof(PayloadFields.Sequence) or nameof(PayloadFields.SessionTotal) or nameof(PayloadFields.SessionEnd))))
            {
                found.Add(property.Name, "", "the name of a member of the payload");
            }
        }
    }
}

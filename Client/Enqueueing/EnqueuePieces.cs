namespace Gristmill.Client;

/// <summary>Cuts many jobs into pieces, each one call of the store: by count and by bytes, in order.</summary>
internal static class EnqueuePieces
{
    /// <summary>Jobs of one piece.</summary>
    public const int MaxJobs = 500;

    /// <summary>Payload bytes of one piece; a larger job is a piece of its own.</summary>
    public const int MaxBytes = 1024 * 1024;

    public static IEnumerable<ArraySegment<ComposedJob>> Of(ComposedJob[] jobs)
    {
        for (var start = 0; start < jobs.Length;)
        {
            var end = start;
            long bytes = 0;
            do
            {
                bytes += jobs[end].Job.Payload.Length;
                end++;
            }
            while (end < jobs.Length && end - start < MaxJobs && bytes + jobs[end].Job.Payload.Length <= MaxBytes);
            yield return new ArraySegment<ComposedJob>(jobs, start, end - start);
            start = end;
        }
    }
}

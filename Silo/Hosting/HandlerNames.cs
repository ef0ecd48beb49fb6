using Gristmill.Grains.Handlers;
using Gristmill.Grains.Options;
using Microsoft.Extensions.Options;

namespace Gristmill.Silo.Hosting;

/// <summary>
/// A queue that no handler of this silo can serve: the silo refuses to start, before it joins its cluster, and the jobs stay
/// in their list. See docs/decisions/0006.
/// </summary>
internal static class HandlerNames
{
    /// <summary>Looks at the handlers that the queues name; those of queues that the silo's labels leave to others too.</summary>
    /// <exception cref="OptionsValidationException">One has no handler.</exception>
    public static void Check(IServiceProvider services)
    {
        var handlers = services.GetRequiredService<HandlerRegistry>();
        var wrong = services.GetRequiredService<IOptions<GristmillOptions>>().Value.Queues
            .Where(q => q.Value.Handler is not null)
            .Select(q => (q.Key, Missing: handlers.Missing(q.Value.Handler!)))
            .Where(q => q.Missing is not null)
            .Select(q => $"{GristmillOptions.Section}:Queues:{q.Key}:Handler: {q.Missing}")
            .ToList();
        if (wrong.Count > 0) throw new OptionsValidationException(GristmillOptions.Section, typeof(GristmillOptions), wrong);
    }
}

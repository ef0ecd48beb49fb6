using Gristmill.Grains.Options;
using Gristmill.Redis;
using Microsoft.Extensions.Options;

namespace Gristmill.Silo.Findings;

/// <summary>
/// Looks at start and every FindingsSeconds for what teams lose days to: a configured list of the wrong type
/// (<see cref="ConfiguredLists"/>), jobs that wait elsewhere (<see cref="ForeignQueues"/>), another client that pops
/// (<see cref="OtherConsumers"/>), a server that forgets (<see cref="ServerSettings"/>). Keeps what it found for the API and
/// readiness, and logs each finding once when it comes and once when it is gone. A look costs some dozens of cheap commands.
/// </summary>
internal sealed class FindingsService : BackgroundService, IFindingsSource
{
    private readonly GristmillOptions _options;
    private readonly ILogger<FindingsService> _logger;
    private readonly TimeProvider _time;
    private readonly Probe _probe;
    private readonly ConfiguredLists _lists;
    private readonly ForeignQueues _foreign;
    private readonly OtherConsumers _consumers;
    private IReadOnlyList<Finding> _current = [];

    /// <summary>Without <paramref name="claims"/> (what the cluster has claimed), other consumers are only suspected.</summary>
    public FindingsService(
        IRedisClient redis, IOptions<GristmillOptions> options, ILogger<FindingsService> logger, TimeProvider time, IClaimCounts? claims = null)
    {
        _options = options.Value;
        _logger = logger;
        _time = time;
        _probe = new Probe(redis, logger);
        _lists = new ConfiguredLists(_options, claims);
        _foreign = new ForeignQueues(_lists, _options);
        var database = _options.Redis is { } url ? RedisOptions.Parse(url).Database : 0;
        _consumers = new OtherConsumers(_lists, database);
    }

    public IReadOnlyList<Finding> Current => Volatile.Read(ref _current);

    /// <summary>One look. Not for use from several threads.</summary>
    /// <exception cref="RedisException">The server cannot be asked; what was found before stays.</exception>
    internal async Task LookAsync(CancellationToken cancellationToken)
    {
        var found = new List<Finding>();
        await _lists.LookAsync(_probe, found, cancellationToken).ConfigureAwait(false);
        await _foreign.LookAsync(_probe, found, cancellationToken).ConfigureAwait(false);
        await _consumers.LookAsync(_probe, found, cancellationToken).ConfigureAwait(false);
        await ServerSettings.LookAsync(_probe, _options, found, cancellationToken).ConfigureAwait(false);
        Tell(found);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(_options.FindingsSeconds), _time);
        try
        {
            do
            {
                try
                {
                    await LookAsync(stoppingToken).ConfigureAwait(false);
                }
                catch (RedisException error)
                {
                    FindingsLog.CannotLook(_logger, error.Message);
                }
            }
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The silo stops.
        }
    }

    private static int Rank(Finding finding) => finding.Severity switch
    {
        Finding.Error => 0,
        Finding.Warning => 1,
        _ => 2,
    };

    /// <summary>What a finding is about, apart from the figures in its message, which change from look to look.</summary>
    private static (string, string?, string) Subject(Finding finding) => (finding.Code, finding.Queue, finding.Action);

    private void Tell(List<Finding> found)
    {
        var known = _current.Select(Subject).ToHashSet();
        var now = found.Select(Subject).ToHashSet();
        foreach (var finding in found.Where(f => !known.Contains(Subject(f))))
        {
            FindingsLog.Found(_logger, LevelOf(finding), finding.Code, finding.Message, finding.Action);
        }

        foreach (var gone in _current.Where(f => !now.Contains(Subject(f))))
        {
            FindingsLog.Gone(_logger, gone.Code, gone.Message);
        }

        Volatile.Write(ref _current, [.. found.OrderBy(Rank)]);
    }

    private static LogLevel LevelOf(Finding finding) => finding.Severity switch
    {
        Finding.Error => LogLevel.Error,
        Finding.Warning => LogLevel.Warning,
        _ => LogLevel.Information,
    };
}

using Gristmill.Grains.Options;
using Gristmill.Grains.Silo;
using Gristmill.Redis;
using Gristmill.Store;
using Microsoft.Extensions.Options;

namespace Gristmill.Silo.Findings;

/// <summary>
/// The doctor of a silo: looks (<see cref="DoctorLook"/>) at start, soon again, and then every FindingsSeconds. Keeps what it
/// found, together with what the silo finds wrong with itself (<see cref="IOwnFindings"/>), for the API, readiness and the
/// silo's record, and logs each finding once when it comes and once when it is gone.
/// </summary>
internal sealed class FindingsService : BackgroundService, IFindingsSource, ISiloFindings
{
    private const int MostRecords = 20;
    private const int LongestText = 600;

    // What grows and what vanishes shows at the second look: it need not wait for the first minute to pass.
    private static readonly TimeSpan SecondLook = TimeSpan.FromSeconds(5);
    private readonly GristmillOptions _options;
    private readonly ILogger<FindingsService> _logger;
    private readonly TimeProvider _time;
    private readonly IOwnFindings[] _own;
    private readonly DoctorLook _look;
    private IReadOnlyList<Finding> _seen = [];
    private IReadOnlyList<Finding> _told = [];

    public FindingsService(
        IRedisClient redis, IOptions<GristmillOptions> options, SiloIdentity silo, IEnumerable<IOwnFindings> own, ILogger<FindingsService> logger, TimeProvider time)
    {
        _options = options.Value;
        _logger = logger;
        _time = time;
        _own = [.. own];
        var database = _options.Redis is { } url ? RedisOptions.Parse(url).Database : 0;
        _look = new DoctorLook(redis, new DoctorSettings { Options = _options, SiloId = silo.Id, Database = database }, logger, time);
    }

    public IReadOnlyList<Finding> Current => [.. Volatile.Read(ref _seen).Concat(Own()).OrderBy(f => f.Rank)];

    /// <summary>Errors of this silo and of what it serves: another one's trouble does not make this one unready.</summary>
    public IReadOnlyList<Finding> InTheWay =>
    [
        .. Current.Where(f => f.Severity == Finding.Error && (f.Silo is null || f.Silo == _options.SiloName) && (f.Queue is null || _options.Queues.ContainsKey(f.Queue))),
    ];

    // That it drains or stops stands in its record already, and is nothing wrong but for those who send it requests.
    public IReadOnlyList<SiloFindingRecord> OwnRecords =>
        [.. _own.Where(o => o is not StoppingFinding).SelectMany(o => o.Current).OrderBy(f => f.Rank).Take(MostRecords).Select(f => new SiloFindingRecord(f.Code, f.Severity, f.Queue, Short(f.Message), Short(f.Action)))];

    /// <summary>One look. Not for use from several threads.</summary>
    /// <exception cref="RedisException">The server cannot be asked; what was found before stays.</exception>
    internal async Task LookAsync(CancellationToken cancellationToken)
    {
        Volatile.Write(ref _seen, await _look.TakeAsync(cancellationToken).ConfigureAwait(false));
        Tell();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var every = TimeSpan.FromSeconds(_options.FindingsSeconds);
        for (var looks = 1; !stoppingToken.IsCancellationRequested; looks++)
        {
            try
            {
                await LookAsync(stoppingToken).ConfigureAwait(false);
            }
            catch (RedisException error)
            {
                FindingsLog.CannotLook(_logger, error.Message);
                Tell();
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }

            await Task.Delay(looks == 1 && SecondLook < every ? SecondLook : every, _time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private IEnumerable<Finding> Own() => _own.SelectMany(o => o.Current).Select(f => f with { Silo = _options.SiloName });

    private void Tell()
    {
        var now = Current;
        var known = _told.Select(f => f.Subject).ToHashSet();
        var still = now.Select(f => f.Subject).ToHashSet();
        foreach (var finding in now.Where(f => !known.Contains(f.Subject))) FindingsLog.Found(_logger, LevelOf(finding), finding.Code, finding.Message, finding.Action);
        foreach (var gone in _told.Where(f => !still.Contains(f.Subject))) FindingsLog.Gone(_logger, gone.Code, gone.Message);
        _told = now;
    }

    private static string Short(string text) => text.Length > LongestText ? text[..LongestText] + "…" : text;

    private static LogLevel LevelOf(Finding finding) => finding.Severity switch
    {
        Finding.Error => LogLevel.Error,
        Finding.Warning => LogLevel.Warning,
        _ => LogLevel.Information,
    };
}

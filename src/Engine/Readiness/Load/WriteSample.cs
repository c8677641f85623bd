using System.Globalization;
using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

/// <summary>A check that waits for the <see cref="WriteSample"/>: where one is chosen, the sample is begun first, as it takes its time. It must not block: a start leaves it out.</summary>
internal interface IReadsWriteSample;

/// <summary>
/// How many rows of the user's tables are inserted, updated and deleted at the source, by the counters of its statistics. What TRUNCATE removes is not counted,
/// and a session hands its counters over at the end of a transaction, once a second at most: so the last second may be missing, and a bulk load in one piece counts at its end.
/// </summary>
internal sealed record WriteSample
{
    /// <summary>Between the two readings of the counters, by the source's clock.</summary>
    public required double Seconds { get; init; }

    /// <summary>Changed rows a second in that time, of all tables.</summary>
    public required double RowsPerSecond { get; init; }

    /// <summary>The same by the table's oid; those with no change in that time are not in it.</summary>
    public required IReadOnlyDictionary<uint, double> RowsPerSecondOf { get; init; }

    /// <summary>Changed rows a second since the statistics were last reset; null where the server does not say when that was, or it was less than an hour ago.</summary>
    public required double? MeanRowsPerSecond { get; init; }

    /// <summary>The same by the table's oid; empty where <see cref="MeanRowsPerSecond"/> is null.</summary>
    public required IReadOnlyDictionary<uint, double> MeanRowsPerSecondOf { get; init; }

    /// <summary>What <see cref="MeanRowsPerSecond"/> is the mean over; null where that is null.</summary>
    public required double? MeanSeconds { get; init; }

    /// <summary>False where the source counts nothing (<c>track_counts</c> is off): then all rates are 0 and say nothing.</summary>
    public required bool Counted { get; init; }

    /// <summary>The greater of what is written now and on average: a sample of seconds may fall into a quiet moment.</summary>
    public double RowsPerSecondToExpect => Math.Max(RowsPerSecond, MeanRowsPerSecond ?? 0);

    /// <summary>"12 rows/s in the 3.0 s that it was looked at, 40 rows/s on average over the 9 days since the statistics were reset".</summary>
    public string Basis
    {
        get
        {
            var now = string.Create(CultureInfo.InvariantCulture, $"{Rate(RowsPerSecond)} in the {Seconds:0.0} s that it was looked at");
            return MeanRowsPerSecond is { } mean && MeanSeconds is { } over
                ? string.Create(CultureInfo.InvariantCulture, $"{now}, {Rate(mean)} on average over the {over / 86400:0.0} days since the statistics were reset")
                : now;
        }
    }

    /// <summary>One sample a run, shared by all that ask.</summary>
    public static Task<WriteSample> OfAsync(ReadinessContext context, CancellationToken cancellationToken) =>
        context.OnceAsync(nameof(WriteSample), WriteSampler.TakeAsync, cancellationToken);

    /// <summary>"0.3 rows/s", "1200 rows/s".</summary>
    public static string Rate(double rows) => string.Create(CultureInfo.InvariantCulture, $"{(rows is > 0 and < 10 ? Math.Round(rows, 1) : Math.Round(rows))} rows/s");
}

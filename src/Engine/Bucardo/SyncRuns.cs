using HerokuMigrator.Capture;
using Npgsql;

namespace HerokuMigrator.Bucardo;

/// <summary>What the control database tells of the sync's runs.</summary>
/// <param name="LastGood">When a run last ended well: with rows, or with nothing to do.</param>
/// <param name="Fault">What stopped the last run, where none has ended well since.</param>
/// <param name="FaultAt">When that run began.</param>
/// <param name="UnderWay">A run is going on; it may take long, for a large backlog.</param>
/// <param name="SetAside">Bucardo has lost a database of it, and makes no run until it has looked at that again, once a minute.</param>
internal sealed record SyncRuns(DateTimeOffset? LastGood, string? Fault, DateTimeOffset? FaultAt, bool UnderWay, bool SetAside)
{
    /// <summary>A run every second is the rule; after this long without one the daemon has stalled, as it may after an outage of a database.</summary>
    public static readonly TimeSpan StalledAfter = TimeSpan.FromSeconds(60);

    public bool Stalled => !UnderWay && LastGood is { } good && DateTimeOffset.UtcNow - good > StalledAfter;

    public static async Task<SyncRuns> ReadAsync(NpgsqlDataSource control, CancellationToken cancellationToken)
    {
        await using var connection = await control.OpenConnectionAsync(cancellationToken);
        var rows = await connection.ListAsync(
            """
            SELECT good.at, fault.words, fault.started, EXISTS (SELECT FROM bucardo.syncrun u WHERE u.sync = $1 AND u.ended IS NULL),
                   EXISTS (SELECT FROM bucardo.sync s WHERE s.status = 'stalled') OR EXISTS (SELECT FROM bucardo.db d WHERE d.status = 'stalled')
            FROM (SELECT max(ended) AS at FROM bucardo.syncrun WHERE sync = $1 AND NOT lastbad AND ended IS NOT NULL AND status !~ '^(Failed|Killed)') good
            LEFT JOIN LATERAL (
                SELECT coalesce(nullif(b.details, ''), b.status) AS words, b.started FROM bucardo.syncrun b
                WHERE b.sync = $1 AND b.lastbad AND b.started > coalesce(good.at, '-infinity') ORDER BY b.started DESC LIMIT 1) fault ON true
            """,
            row => new SyncRuns(
                row.IsDBNull(0) ? null : row.GetFieldValue<DateTimeOffset>(0),
                row.IsDBNull(1) ? null : row.GetString(1).Trim(),
                row.IsDBNull(2) ? null : row.GetFieldValue<DateTimeOffset>(2),
                row.GetBoolean(3),
                row.GetBoolean(4)),
            cancellationToken,
            CaptureNames.SyncName);
        return rows[0];
    }

    /// <summary>A run is written down every second; only the recent ones are worth their room.</summary>
    public static async Task PruneAsync(NpgsqlDataSource control, CancellationToken cancellationToken)
    {
        await using var connection = await control.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(
            "DELETE FROM bucardo.syncrun WHERE ended < now() - interval '10 minutes' AND NOT lastgood AND NOT lastbad AND NOT lastempty", cancellationToken);
    }
}

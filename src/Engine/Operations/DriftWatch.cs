using HerokuMigrator.Cutover;

namespace HerokuMigrator.Operations;

/// <summary>
/// Tells of changes of the source's schema that the target does not follow by itself, once each, whether somebody asks for the status or not.
/// The catalogs are read only where the server has counted a change in them: with ten thousand tables that reading is no trifle.
/// </summary>
internal sealed class DriftWatch(MigrationSession session)
{
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(20);

    /// <summary>A server that crashed, or a session that has not told yet, may leave a change uncounted.</summary>
    private static readonly TimeSpan ReadAnyway = TimeSpan.FromMinutes(10);

    /// <summary>What is told may be mended on the target, whose counters nobody looks at.</summary>
    private static readonly TimeSpan ReadAgain = TimeSpan.FromMinutes(1);

    /// <summary>What the server has counted in the catalogs that tables, columns, indexes and sequences stand in; nothing that stays the same where it does not count.</summary>
    private const string CountersSql = """
        SELECT string_agg(format('%s:%s:%s:%s', s.relid, s.n_tup_ins, s.n_tup_upd, s.n_tup_del), ',' ORDER BY s.relid)
               || CASE WHEN current_setting('track_counts')::bool THEN '' ELSE clock_timestamp()::text END
        FROM pg_stat_sys_tables s WHERE s.schemaname = 'pg_catalog' AND s.relname IN ('pg_class', 'pg_attribute', 'pg_attrdef', 'pg_index', 'pg_sequence', 'pg_inherits')
        """;

    private readonly LastingTrouble _told = new(session, "drift", "The target has again what the source has.");

    private DateTimeOffset _lookedAt;
    private DateTimeOffset _readAt;
    private string? _counters;
    private string _drift = "";

    public async Task LookAsync(CancellationToken cancellationToken)
    {
        if (DateTimeOffset.UtcNow - _lookedAt < Between)
        {
            return;
        }

        _lookedAt = DateTimeOffset.UtcNow;
        await using var source = await session.OpenSourceAsync(cancellationToken);
        var counters = await source.ScalarAsync<string>(CountersSql, cancellationToken);
        if (counters == _counters && DateTimeOffset.UtcNow - _readAt < (_drift.Length > 0 ? ReadAgain : ReadAnyway))
        {
            return;
        }

        var reasons = await new SwitchChecks(session).ReadDriftAsync(source, await session.Store.ReadTablesAsync(cancellationToken), cancellationToken);
        (_counters, _readAt) = (counters, DateTimeOffset.UtcNow);
        // Partitions are followed, and told of then.
        _drift = string.Join(" ", reasons.Where(reason => reason.Id is SwitchChecks.SchemaDriftId or SwitchChecks.MissingObjectsId).Select(reason => $"{reason.Finding} {reason.Remedy}"));
        await _told.TellAsync(_drift, cancellationToken);
    }
}

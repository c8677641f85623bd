using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class WraparoundVacuum : IReadinessCheck
{
    /// <summary>Near enough to the limit to reach it while a migration runs.</summary>
    private const string Sql = $"""
        SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        CROSS JOIN LATERAL (
            SELECT least(current_setting('autovacuum_freeze_max_age')::int8, max(o.option_value::int8) FILTER (WHERE o.option_name = 'autovacuum_freeze_max_age')) AS xids,
                   least(current_setting('autovacuum_multixact_freeze_max_age')::int8, max(o.option_value::int8) FILTER (WHERE o.option_name = 'autovacuum_multixact_freeze_max_age')) AS mxids
            FROM pg_options_to_table(c.reloptions) o WHERE o.option_name LIKE 'autovacuum%freeze_max_age') l
        WHERE c.relkind IN ('r', 'm') AND {UserObjects.RelationFilter}
          AND (age(c.relfrozenxid) > 0.95 * l.xids OR mxid_age(c.relminmxid) > 0.95 * l.mxids)
        ORDER BY 1, 2
        """;

    public string Id => nameof(WraparoundVacuum);

    public string Group => CheckGroup.Load;

    public string Title => "No vacuum against wraparound is due on the source";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var due = await source.ListAsync(Sql, row => SqlName.Qualify(row.GetString(0), row.GetString(1)), cancellationToken);
        var running = await ReadRunningAsync(source, cancellationToken);
        return (due.Count, running.Count) switch
        {
            (0, 0) => Finding.Pass("No vacuum against wraparound runs or is due."),
            (_, 0) => Finding.Warning(
                $"A vacuum against wraparound is due soon on {FindingText.Count(due.Count, "table")}: {FindingText.Several(due)}.",
                "Unlike others it does not give way: capture and the fence would wait for its end.",
                FindingText.Statements(due.Select(table => $"VACUUM (FREEZE) {table}")),
                due),
            _ => Finding.Warning(
                $"A vacuum against wraparound is running: {FindingText.Several(running.ConvertAll(one => one.Query))}.",
                "Unlike others it does not give way: capture and the fence would wait for its end.",
                "-- wait until it has ended:\nSELECT * FROM pg_stat_progress_vacuum;\n-- then run Test-MigrationReadiness again.",
                [.. running.Select(one => one.Table).OfType<string>().Concat(due).Distinct(StringComparer.Ordinal)]),
        };
    }

    /// <summary>Each as the server tells it, with the table where it is known.</summary>
    internal static Task<List<(string Query, string? Table)>> ReadRunningAsync(NpgsqlConnection source, CancellationToken cancellationToken) =>
        source.ListAsync(
            """
            SELECT a.query, n.nspname, c.relname
            FROM pg_stat_activity a LEFT JOIN pg_stat_progress_vacuum p ON p.pid = a.pid
            LEFT JOIN pg_class c ON c.oid = p.relid LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE a.datname = current_database() AND a.query LIKE 'autovacuum:%(to prevent wraparound)'
            """,
            row => (Query: row.GetString(0), Table: row.IsDBNull(2) ? null : SqlName.Qualify(row.GetString(1), row.GetString(2))),
            cancellationToken);
}

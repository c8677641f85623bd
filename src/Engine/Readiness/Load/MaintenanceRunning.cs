using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class MaintenanceRunning : IReadinessCheck
{
    private const string Sql = $"""
        SELECT {SourceSession.Columns}, extract(epoch FROM clock_timestamp() - a.query_start)::float8, p.command, coalesce(n.nspname, ''), coalesce(c.relname, '')
        FROM (SELECT pid, datname, relid, command FROM pg_stat_progress_create_index
              UNION ALL SELECT pid, datname, relid, command FROM pg_stat_progress_cluster
              UNION ALL SELECT pid, datname, relid, 'VACUUM' FROM pg_stat_progress_vacuum) p
        JOIN pg_stat_activity a ON a.pid = p.pid
        LEFT JOIN pg_class c ON c.oid = p.relid LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE p.datname = current_database() AND a.backend_type IS DISTINCT FROM 'autovacuum worker'
        ORDER BY a.query_start, a.pid
        """;

    public string Id => nameof(MaintenanceRunning);

    public string Group => CheckGroup.Load;

    public string Title => "No maintenance is under way on the source";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var running = await source.ListAsync(
            Sql,
            row => (Session: SourceSession.Read(row), Command: row.IsDBNull(5) ? "?" : row.GetString(5), Table: row.GetString(7).Length == 0 ? null : SqlName.Qualify(row.GetString(6), row.GetString(7))),
            cancellationToken);
        return running.Count == 0
            ? Finding.Pass("No index is being built, and no table clustered or vacuumed by hand.")
            : Finding.Warning(
                $"Maintenance is under way: {FindingText.Several(running.ConvertAll(one => $"{one.Command}{(one.Table is null ? "" : " of " + one.Table)} by {one.Session.Describe("for")}"))}.",
                "It locks its tables until it has ended, CONCURRENTLY too: capture and the fence wait for it. And what it makes or drops after the start is a difference of schema that the switch refuses.",
                "-- wait until it has ended:\nSELECT pid, state, query FROM pg_stat_activity WHERE pid IN (" + string.Join(", ", running.Select(one => one.Session.Pid)) + ");",
                [.. running.Select(one => one.Table ?? one.Session.Name).Distinct(StringComparer.Ordinal)]);
    }
}

using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class ApplicationConnections : IReadinessCheck
{
    /// <summary>The most sessions that the database can have, and those of others that there are now.</summary>
    private const string Sql = """
        SELECT least(
                   current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int - coalesce(current_setting('reserved_connections', true), '0')::int,
                   CASE WHEN d.datconnlimit >= 0 THEN d.datconnlimit END, CASE WHEN r.rolconnlimit >= 0 THEN r.rolconnlimit END),
               (SELECT count(*)::int FROM pg_stat_activity a
                WHERE a.datid = d.oid AND (a.backend_type = 'client backend' OR a.backend_type IS NULL) AND a.application_name IS DISTINCT FROM current_setting('application_name'))
        FROM pg_database d, pg_roles r
        WHERE d.datname = current_database() AND r.rolname = session_user
        """;

    public string Id => nameof(ApplicationConnections);

    public string Group => CheckGroup.Target;

    public string Title => "The target takes as many connections as the application has";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        await using var target = await context.OpenTargetAsync(cancellationToken);
        var (from, used) = await ReadAsync(source, cancellationToken);
        var (to, _) = await ReadAsync(target, cancellationToken);
        var text = $"The source takes up to {FindingText.Count(from, "connection")}, {used} of them in use now; the target takes up to {to}.";
        if (to <= used)
        {
            return Finding.Warning(
                text,
                "After the switch the application could not open all of its connections.",
                "Choose a larger target, raise its limit, or let the application use the target's pooler (port 6432 on PlanetScale) after the switch; the migration itself needs the direct port.");
        }

        return to >= from ? Finding.Pass(text) : FindingText.Note(text, "Pools of the application that are sized by the source's limit may be too large for the target.", []);
    }

    private static async Task<(int Limit, int Used)> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        (await connection.ListAsync(Sql, row => (row.GetInt32(0), row.GetInt32(1)), cancellationToken)).Single();
}

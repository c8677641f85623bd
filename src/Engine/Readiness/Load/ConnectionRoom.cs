using Npgsql;

namespace HerokuMigrator.Readiness;

/// <summary>How many more connections one side can take.</summary>
internal static class ConnectionRoom
{
    /// <summary>Our own pool, Bucardo's, and one for pg_dump or an operator.</summary>
    public const int Needed = 12;

    /// <summary>Sessions of this very program are gone or reused by then, so they do not count.</summary>
    private const string Sql = """
        WITH others AS (
            SELECT usesysid, datid FROM pg_stat_activity
            WHERE (backend_type = 'client backend' OR backend_type IS NULL AND usesysid IS NOT NULL)
              AND application_name IS DISTINCT FROM current_setting('application_name'))
        SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
                 - coalesce(current_setting('reserved_connections', true), '0')::int - (SELECT count(*) FROM others)::int,
               CASE WHEN d.datconnlimit >= 0 THEN d.datconnlimit - (SELECT count(*) FROM others o WHERE o.datid = d.oid)::int END,
               CASE WHEN r.rolconnlimit >= 0 THEN r.rolconnlimit - (SELECT count(*) FROM others o WHERE o.usesysid = r.oid)::int END
        FROM pg_database d, pg_roles r
        WHERE d.datname = current_database() AND r.rolname = session_user
        """;

    public static async Task<Finding> InspectAsync(string side, NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var (server, database, role) = (await connection.ListAsync(
            Sql,
            row => (row.GetInt32(0), row.IsDBNull(1) ? int.MaxValue : row.GetInt32(1), row.IsDBNull(2) ? int.MaxValue : row.GetInt32(2)),
            cancellationToken)).Single();
        var free = Math.Max(0, Math.Min(server, Math.Min(database, role)));
        var bound = free == Math.Max(0, server) ? "server (max_connections)" : free == Math.Max(0, database) ? "database" : "role";
        return free >= Needed
            ? Finding.Pass($"The {side} has room for {free} more connections; about {Needed} are needed.")
            : Finding.Warning(
                $"The {side} has room for {free} more connections, by the limit of the {bound}; about {Needed} are needed.",
                "The migration would fail for want of connections, or take them away from the application.",
                $"Close idle connections of the application, or raise the limit of the {bound} on the {side}.");
    }
}

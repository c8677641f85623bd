using Npgsql;

namespace HerokuMigrator.Capture;

/// <summary>Who holds locks that keep a fence, or a trigger that is made, from tables: the longest transaction first.</summary>
internal static class LockHolders
{
    /// <summary>What SHARE ROW EXCLUSIVE, the lock of both, waits for. A reader's locks, with FOR UPDATE or without, are none of it.</summary>
    private const string Conflicting = "'RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'";

    public static Task<List<FenceBlocker>> ReadAsync(NpgsqlConnection connection, IReadOnlyList<string> tables, CancellationToken cancellationToken) =>
        connection.ListAsync(
            $"""
            WITH held AS (
                SELECT l.pid, l.virtualtransaction, (array_agg(DISTINCT format('%I.%I', n.nspname, c.relname)))[1:10] AS tables
                FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE l.locktype = 'relation' AND l.granted AND l.mode IN ({Conflicting}) AND l.pid IS DISTINCT FROM pg_backend_pid()
                  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                  AND l.relation = ANY (ARRAY(SELECT to_regclass(t)::oid FROM unnest($1::text[]) t))
                GROUP BY 1, 2)
            SELECT h.pid, p.gid, coalesce(a.usename, p.owner, ''), coalesce(a.application_name, ''),
                   -- A role that may not see what others do sees of an autovacuum that it has no user.
                   CASE WHEN p.gid IS NOT NULL THEN 'prepared' WHEN a.backend_type = 'autovacuum worker' OR a.usesysid IS NULL THEN '{Autovacuum.State}' ELSE coalesce(a.state, '?') END,
                   coalesce(extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, p.prepared))::float8, 0),
                   extract(epoch FROM clock_timestamp() - a.query_start)::float8, h.tables
            FROM held h LEFT JOIN pg_stat_activity a ON a.pid = h.pid
            -- A prepared transaction has no process; its locks are told under -1 and its number.
            LEFT JOIN pg_prepared_xacts p ON h.pid IS NULL AND p.transaction::text = split_part(h.virtualtransaction, '/', 2)
            WHERE a.pid IS NOT NULL OR p.gid IS NOT NULL
            ORDER BY 6 DESC
            """,
            row => new FenceBlocker
            {
                ProcessId = row.IsDBNull(0) ? null : row.GetInt32(0),
                PreparedTransaction = row.IsDBNull(1) ? null : row.GetString(1),
                Role = row.GetString(2),
                Application = row.GetString(3),
                State = row.GetString(4),
                TransactionSeconds = row.GetDouble(5),
                StatementSeconds = row.IsDBNull(6) ? null : row.GetDouble(6),
                Tables = row.GetFieldValue<string[]>(7),
            },
            cancellationToken,
            [tables.ToArray()]);

    public static string Describe(IReadOnlyList<FenceBlocker> holders) =>
        holders.Count == 0 ? "nobody that is still there" : string.Join("; ", holders.Take(5)) + (holders.Count > 5 ? $"; and {holders.Count - 5} more" : "");
}

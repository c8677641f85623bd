using System.Data;
using Npgsql;

namespace HerokuMigrator.Catalog;

/// <summary>
/// Sizes of tables with TOAST, without indexes. The server opens a table to measure it, and so waits for whoever has locked it;
/// where that takes long, what the last vacuum or ANALYZE wrote down has to do.
/// </summary>
internal static class TableSizes
{
    private const string MeasuredSql = $"""
        SELECT c.oid, pg_table_size(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'r' AND {UserObjects.RelationFilter}
        """;

    private const string NotedSql = $"""
        SELECT c.oid, (c.relpages + coalesce(t.relpages, 0))::bigint * current_setting('block_size')::bigint
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
        WHERE c.relkind = 'r' AND {UserObjects.RelationFilter}
        """;

    public static async Task<IReadOnlyDictionary<uint, long>> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var before = await connection.ScalarAsync<string>("SELECT current_setting('lock_timeout')", cancellationToken);
        await connection.ExecuteAsync("SELECT set_config('lock_timeout', '500ms', false)", cancellationToken);
        try
        {
            return await ListAsync(connection, MeasuredSql, cancellationToken);
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            return await ListAsync(connection, NotedSql, cancellationToken);
        }
        finally
        {
            // Of a connection that is lost, what it was lost by is worth telling.
            if (connection.State == ConnectionState.Open)
            {
                await connection.ExecuteAsync("SELECT set_config('lock_timeout', $1, false)", CancellationToken.None, before);
            }
        }
    }

    private static async Task<IReadOnlyDictionary<uint, long>> ListAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken) =>
        (await connection.ListAsync(sql, row => (row.GetFieldValue<uint>(0), row.IsDBNull(1) ? 0 : row.GetInt64(1)), cancellationToken)).ToDictionary(row => row.Item1, row => row.Item2);
}

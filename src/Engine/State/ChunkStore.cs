using HerokuMigrator.Catalog;
using HerokuMigrator.Copy;
using Npgsql;

namespace HerokuMigrator.State;

/// <summary>A table's chunks as the state knows them.</summary>
/// <param name="SourceFile">The file of the table's rows on the source that the ranges of blocks are of.</param>
internal sealed record ChunkRow(CopyChunk Chunk, string SourceFile, bool Copied, long Rows, long Bytes);

/// <summary>The checkpoints of tables that are copied in chunks. A chunk's commits together with its rows. They stay until the end: whoever builds the keys has to know that the rows are of several moments.</summary>
internal static class ChunkStore
{
    public const string CreateSql = """
        CREATE TABLE heroku_migrator.copy_chunk (
            schema_name text NOT NULL, table_name text NOT NULL, chunk integer NOT NULL, first_block bigint NOT NULL, end_block bigint, planned_bytes bigint NOT NULL,
            source_file text NOT NULL, copy_begun_at timestamptz, copied_at timestamptz, rows bigint NOT NULL DEFAULT 0, bytes bigint NOT NULL DEFAULT 0, PRIMARY KEY (schema_name, table_name, chunk))
        """;

    public static async Task<ILookup<TableInfo, ChunkRow>> ReadAsync(NpgsqlConnection target, IReadOnlyList<TableInfo> tables, CancellationToken cancellationToken)
    {
        var known = tables.ToDictionary(table => (table.Schema, table.Name));
        var rows = await target.ListAsync(
            """
            SELECT schema_name, table_name, chunk, first_block, end_block, planned_bytes, source_file, copied_at IS NOT NULL, rows, bytes
            FROM heroku_migrator.copy_chunk ORDER BY schema_name, table_name, chunk
            """,
            row => known.TryGetValue((row.GetString(0), row.GetString(1)), out var table)
                ? new ChunkRow(
                    new CopyChunk(table, row.GetInt32(2), row.GetInt64(3), row.IsDBNull(4) ? null : row.GetInt64(4), row.GetInt64(5)),
                    row.GetString(6), row.GetBoolean(7), row.GetInt64(8), row.GetInt64(9))
                : null,
            cancellationToken);
        return rows.OfType<ChunkRow>().ToLookup(row => row.Chunk.Table);
    }

    /// <summary>To be called in the transaction that empties the table on the target.</summary>
    public static async Task PlanAsync(NpgsqlConnection target, TableInfo table, string sourceVersion, IReadOnlyList<CopyChunk> chunks, CancellationToken cancellationToken)
    {
        await ForgetAsync(target, table, cancellationToken);
        await target.ExecuteAsync(
            "UPDATE heroku_migrator.moved_table SET copied_at = NULL, source_version = $3 WHERE schema_name = $1 AND table_name = $2",
            cancellationToken, table.Schema, table.Name, sourceVersion);
        await target.ExecuteAsync(
            """
            INSERT INTO heroku_migrator.copy_chunk (schema_name, table_name, chunk, first_block, end_block, planned_bytes, source_file)
            SELECT $1, $2, n, f, nullif(e, -1), p, $3 FROM unnest($4::integer[], $5::bigint[], $6::bigint[], $7::bigint[]) u(n, f, e, p)
            """,
            cancellationToken,
            table.Schema, table.Name, FileOf(sourceVersion),
            chunks.Select(chunk => chunk.Number).ToArray(), chunks.Select(chunk => chunk.FirstBlock).ToArray(),
            chunks.Select(chunk => chunk.EndBlock ?? -1).ToArray(), chunks.Select(chunk => chunk.PlannedBytes).ToArray());
    }

    /// <summary>
    /// To be called first in the transaction that copies the chunk: false where it is copied already.
    /// Where the session of a program that was killed is still at it, this waits for the end of that.
    /// </summary>
    public static async Task<bool> ClaimAsync(NpgsqlConnection target, CopyChunk chunk, CancellationToken cancellationToken) =>
        await target.ScalarAsync<bool?>(
            "SELECT copied_at IS NULL FROM heroku_migrator.copy_chunk WHERE schema_name = $1 AND table_name = $2 AND chunk = $3 FOR UPDATE",
            cancellationToken, chunk.Table.Schema, chunk.Table.Name, chunk.Number) == true;

    /// <summary>To be called in the transaction that copied the chunk.</summary>
    public static Task MarkAsync(NpgsqlConnection target, CopyChunk chunk, long rows, long bytes, CancellationToken cancellationToken) =>
        target.ExecuteAsync(
            "UPDATE heroku_migrator.copy_chunk SET copy_begun_at = now(), copied_at = clock_timestamp(), rows = $4, bytes = $5 WHERE schema_name = $1 AND table_name = $2 AND chunk = $3",
            cancellationToken, chunk.Table.Schema, chunk.Table.Name, chunk.Number, rows, bytes);

    /// <summary>The table as a whole: false where one of its chunks is not there.</summary>
    public static async Task<bool> FinishAsync(NpgsqlConnection target, TableInfo table, CancellationToken cancellationToken)
    {
        return await target.ExecuteAsync(
            """
            UPDATE heroku_migrator.moved_table t SET copy_begun_at = c.begun_at, copied_at = clock_timestamp(), rows = c.rows, bytes = c.bytes
            FROM (SELECT min(copy_begun_at) AS begun_at, sum(rows) AS rows, sum(bytes) AS bytes, bool_and(copied_at IS NOT NULL) AS whole
                  FROM heroku_migrator.copy_chunk WHERE schema_name = $1 AND table_name = $2) c
            WHERE t.schema_name = $1 AND t.table_name = $2 AND c.whole
            """,
            cancellationToken, table.Schema, table.Name) == 1;
    }

    public static Task ForgetAsync(NpgsqlConnection target, TableInfo table, CancellationToken cancellationToken) =>
        target.ExecuteAsync("DELETE FROM heroku_migrator.copy_chunk WHERE schema_name = $1 AND table_name = $2", cancellationToken, table.Schema, table.Name);

    public static string FileOf(string sourceVersion) => sourceVersion.Split('/')[0];
}

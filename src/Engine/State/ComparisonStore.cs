using System.Text.Json;
using HerokuMigrator.Catalog;
using HerokuMigrator.Verification;
using Npgsql;

namespace HerokuMigrator.State;

/// <summary>A table's parts as a comparison that was interrupted had them.</summary>
internal sealed record SavedTable(string Schema, string Name, long Bytes, IReadOnlyList<ComparedChunk> Chunks, IReadOnlyList<int> Selected);

/// <summary>A comparison that was interrupted.</summary>
internal sealed record SavedComparison(string Run, IReadOnlyList<string> Patterns, double SamplePercent, IReadOnlyList<SavedTable> Tables, DateTimeOffset ActiveAt);

/// <summary>A chunk that was found equal.</summary>
internal sealed record SavedChunk(string Schema, string Name, int Chunk, long Rows);

/// <summary>How far comparisons are, and what they came to, in the state on the target: the last result of each table stays until the next one.</summary>
internal sealed class ComparisonStore(NpgsqlDataSource target)
{
    /// <summary>Repeatable, as a state may be of an older version.</summary>
    private const string CreateSql = """
        CREATE TABLE IF NOT EXISTS heroku_migrator.comparison (
            run text PRIMARY KEY, patterns text[] NOT NULL, sample_percent float8 NOT NULL, plan jsonb NOT NULL,
            begun_at timestamptz NOT NULL DEFAULT clock_timestamp(), active_at timestamptz NOT NULL DEFAULT clock_timestamp(), ended_at timestamptz);
        CREATE TABLE IF NOT EXISTS heroku_migrator.compared_chunk (
            run text NOT NULL REFERENCES heroku_migrator.comparison ON DELETE CASCADE, schema_name text NOT NULL, table_name text NOT NULL, chunk integer NOT NULL, rows bigint NOT NULL,
            PRIMARY KEY (run, schema_name, table_name, chunk));
        CREATE TABLE IF NOT EXISTS heroku_migrator.compared_table (
            schema_name text NOT NULL, table_name text NOT NULL, run text NOT NULL, outcome text NOT NULL, result jsonb NOT NULL,
            compared_at timestamptz NOT NULL DEFAULT clock_timestamp(), proven_at timestamptz, PRIMARY KEY (schema_name, table_name));
        """;

    public async Task EnsureAsync(CancellationToken cancellationToken)
    {
        await using var connection = await target.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(CreateSql, cancellationToken);
    }

    /// <summary>The last one, where it has not ended; null where there is none.</summary>
    public async Task<SavedComparison?> ReadInterruptedAsync(CancellationToken cancellationToken)
    {
        await using var connection = await target.OpenConnectionAsync(cancellationToken);
        return (await connection.ListAsync(
            "SELECT run, patterns, sample_percent, plan::text, active_at FROM heroku_migrator.comparison WHERE ended_at IS NULL ORDER BY begun_at DESC LIMIT 1",
            row => new SavedComparison(row.GetString(0), row.GetFieldValue<string[]>(1), row.GetDouble(2), JsonSerializer.Deserialize<SavedTable[]>(row.GetString(3))!, row.GetFieldValue<DateTimeOffset>(4)),
            cancellationToken)).SingleOrDefault();
    }

    /// <summary>What earlier ones had under way is forgotten; what they came to stays.</summary>
    public async Task BeginAsync(string run, ComparisonOptions options, IReadOnlyList<SavedTable> tables, CancellationToken cancellationToken)
    {
        await using var connection = await target.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await connection.ExecuteAsync("DELETE FROM heroku_migrator.comparison", cancellationToken);
        await connection.ExecuteAsync(
            "INSERT INTO heroku_migrator.comparison (run, patterns, sample_percent, plan) VALUES ($1, $2, $3, $4::jsonb)",
            cancellationToken, run, options.Tables.ToArray(), options.SamplePercent, JsonSerializer.Serialize(tables));
        await transaction.CommitAsync(cancellationToken);
    }

    public async Task SaveChunkAsync(string run, TableInfo table, int chunk, long rows, CancellationToken cancellationToken)
    {
        await using var connection = await target.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(
            """
            WITH active AS (UPDATE heroku_migrator.comparison SET active_at = clock_timestamp() WHERE run = $1)
            INSERT INTO heroku_migrator.compared_chunk (run, schema_name, table_name, chunk, rows) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING
            """,
            cancellationToken, run, table.Schema, table.Name, chunk, rows);
    }

    public async Task<IReadOnlyList<SavedChunk>> ReadChunksAsync(string run, CancellationToken cancellationToken)
    {
        await using var connection = await target.OpenConnectionAsync(cancellationToken);
        return await connection.ListAsync(
            "SELECT schema_name, table_name, chunk, rows FROM heroku_migrator.compared_chunk WHERE run = $1",
            row => new SavedChunk(row.GetString(0), row.GetString(1), row.GetInt32(2), row.GetInt64(3)), cancellationToken, run);
    }

    /// <param name="isProof">All of the table was equal.</param>
    public async Task SaveTableAsync(string run, TableInfo table, DataComparison comparison, bool isProof, CancellationToken cancellationToken)
    {
        await using var connection = await target.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(
            """
            WITH active AS (UPDATE heroku_migrator.comparison SET active_at = clock_timestamp() WHERE run = $1)
            INSERT INTO heroku_migrator.compared_table (run, schema_name, table_name, outcome, result, compared_at, proven_at) VALUES ($1, $2, $3, $4, $5::jsonb, $6, CASE WHEN $7 THEN $6 END)
            ON CONFLICT (schema_name, table_name) DO UPDATE SET run = excluded.run, outcome = excluded.outcome, result = excluded.result, compared_at = excluded.compared_at,
                proven_at = coalesce(excluded.proven_at, compared_table.proven_at)
            """,
            cancellationToken, run, table.Schema, table.Name, comparison.Outcome.ToString(), JsonSerializer.Serialize(comparison), comparison.ComparedAt, isProof);
    }

    public async Task<IReadOnlyDictionary<(string Schema, string Name), DataComparison>> ReadTablesAsync(string run, CancellationToken cancellationToken)
    {
        await using var connection = await target.OpenConnectionAsync(cancellationToken);
        return (await connection.ListAsync(
            "SELECT schema_name, table_name, result::text FROM heroku_migrator.compared_table WHERE run = $1",
            row => (Table: (row.GetString(0), row.GetString(1)), Result: JsonSerializer.Deserialize<DataComparison>(row.GetString(2))!), cancellationToken, run)).ToDictionary(row => row.Table, row => row.Result);
    }

    /// <summary>Each table's last; empty also where the state knows no comparison.</summary>
    public async Task<IReadOnlyList<DataComparison>> ReadResultsAsync(CancellationToken cancellationToken)
    {
        await using var connection = await target.OpenConnectionAsync(cancellationToken);
        return !await HasComparedAsync(connection, cancellationToken)
            ? []
            : await connection.ListAsync(
                "SELECT result::text FROM heroku_migrator.compared_table ORDER BY schema_name, table_name",
                row => JsonSerializer.Deserialize<DataComparison>(row.GetString(0))!, cancellationToken);
    }

    private static Task<bool> HasComparedAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        connection.ScalarAsync<bool>("SELECT to_regclass('heroku_migrator.compared_table') IS NOT NULL", cancellationToken);

    /// <summary>Empty also where the state knows no comparison.</summary>
    public async Task<IReadOnlyList<TableProof>> ReadProofsAsync(CancellationToken cancellationToken)
    {
        await using var connection = await target.OpenConnectionAsync(cancellationToken);
        return !await HasComparedAsync(connection, cancellationToken)
            ? []
            : await connection.ListAsync(
                "SELECT schema_name, table_name, compared_at, outcome, proven_at FROM heroku_migrator.compared_table ORDER BY 1, 2",
                row => new TableProof(
                    SqlName.Qualify(row.GetString(0), row.GetString(1)), row.GetFieldValue<DateTimeOffset>(2), Enum.Parse<ComparisonOutcome>(row.GetString(3)),
                    row.IsDBNull(4) ? null : row.GetFieldValue<DateTimeOffset>(4)),
                cancellationToken);
    }

    public async Task EndAsync(string run, CancellationToken cancellationToken)
    {
        await using var connection = await target.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync("UPDATE heroku_migrator.comparison SET ended_at = clock_timestamp() WHERE run = $1", cancellationToken, run);
    }
}

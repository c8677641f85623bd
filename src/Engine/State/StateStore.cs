using System.Text.Json;
using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.State;

/// <summary>The migration as the state knows it.</summary>
internal sealed record MigrationRow(
    string Id, string Name, MigrationPhase Phase, MigrationPhase? Before, string? Failure, string SourceFingerprint, DateTimeOffset StartedAt, DateTimeOffset? SwitchedAt)
{
    /// <summary>What starts were given so far.</summary>
    public StartOptions Options { get; init; } = new();
}

/// <summary>One table as it was planned, and how far its copy is.</summary>
/// <param name="SourceVersion">What <see cref="Operations.StaleTables"/> read of the source's table before the copy; null where there is no copy, or nothing shall rest on it.</param>
internal sealed record TableRow(TableInfo Table, bool Copied, long Rows, long Bytes, string? SourceVersion);

/// <summary>
/// The state of the migration, in the target's schema heroku_migrator: it outlives the machine that runs the migration,
/// and what it says of the copied data commits together with that data.
/// </summary>
internal sealed class StateStore(NpgsqlDataSource target)
{
    public const string Schema = "heroku_migrator";

    /// <summary>Called after a change of phase is committed: the phase, the one before, and what went wrong where it is Failed.</summary>
    public Action<MigrationPhase, MigrationPhase, string?>? PhaseChanged { get; init; }

    private const string CreateSql = """
        CREATE SCHEMA heroku_migrator;
        COMMENT ON SCHEMA heroku_migrator IS 'State of a running migration by HerokuMigrator; dropped when it is completed or stopped';
        CREATE TABLE heroku_migrator.migration (
            one boolean PRIMARY KEY DEFAULT true CHECK (one), id text NOT NULL, name text NOT NULL, phase text NOT NULL, phase_before text, failure text,
            source_fingerprint text NOT NULL, started_at timestamptz NOT NULL DEFAULT clock_timestamp(), switched_at timestamptz, fence jsonb, target_writes jsonb,
            options jsonb, readiness jsonb, handover jsonb, handover_error jsonb, progress jsonb, progress_at timestamptz);
        CREATE TABLE heroku_migrator.sample (
            at timestamptz PRIMARY KEY DEFAULT clock_timestamp(), phase text NOT NULL, copied_bytes bigint, copied_rows bigint, backlog_rows bigint, lag_seconds float8, throttle text);
        CREATE TABLE heroku_migrator.event (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(), kind text NOT NULL, message text NOT NULL, detail jsonb);
        CREATE TABLE heroku_migrator.moved_table (
            schema_name text NOT NULL, table_name text NOT NULL, plan jsonb NOT NULL, copy_begun_at timestamptz, copied_at timestamptz,
            rows bigint NOT NULL DEFAULT 0, bytes bigint NOT NULL DEFAULT 0, source_version text, analyzed_at timestamptz, PRIMARY KEY (schema_name, table_name));
        CREATE TABLE heroku_migrator.schema_entry (
            seq integer PRIMARY KEY, stage text NOT NULL, kind text NOT NULL, name text NOT NULL, sql text NOT NULL, undo_sql text, done_at timestamptz, problem text);
        CREATE TABLE heroku_migrator.sentinel (id integer PRIMARY KEY, mark text NOT NULL);
        """;

    /// <summary>Null where the target has no state of any migration.</summary>
    public async Task<MigrationRow?> ReadAsync(CancellationToken cancellationToken)
    {
        await using var connection = await target.OpenConnectionAsync(cancellationToken);
        return await ReadAsync(connection, cancellationToken);
    }

    public static async Task<MigrationRow?> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        if (!await connection.ScalarAsync<bool>("SELECT to_regclass('heroku_migrator.migration') IS NOT NULL", cancellationToken))
        {
            return null;
        }

        var rows = await connection.ListAsync(
            "SELECT id, name, phase, phase_before, failure, source_fingerprint, started_at, switched_at, options::text FROM heroku_migrator.migration",
            row => new MigrationRow(
                row.GetString(0),
                row.GetString(1),
                Enum.Parse<MigrationPhase>(row.GetString(2)),
                row.IsDBNull(3) ? null : Enum.Parse<MigrationPhase>(row.GetString(3)),
                row.IsDBNull(4) ? null : row.GetString(4),
                row.GetString(5),
                row.GetFieldValue<DateTimeOffset>(6),
                row.IsDBNull(7) ? null : row.GetFieldValue<DateTimeOffset>(7))
            {
                Options = row.IsDBNull(8) ? new() : JsonSerializer.Deserialize<StartOptions>(row.GetString(8))!,
            },
            cancellationToken);
        return rows.SingleOrDefault();
    }

    /// <summary>Null also where the target cannot be asked; the caller finds out by itself why.</summary>
    public async Task<MigrationRow?> ReadIfReachableAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await ReadAsync(cancellationToken);
        }
        catch (NpgsqlException)
        {
            return null;
        }
    }

    public async Task CreateAsync(string id, string name, string sourceFingerprint, CancellationToken cancellationToken)
    {
        await using var connection = await target.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await connection.ExecuteAsync(CreateSql, cancellationToken);
        await connection.ExecuteAsync(ChunkStore.CreateSql, cancellationToken);
        await connection.ExecuteAsync(
            "INSERT INTO heroku_migrator.migration (id, name, phase, source_fingerprint) VALUES ($1, $2, $3, $4)",
            cancellationToken, id, name, nameof(MigrationPhase.Preparing), sourceFingerprint);
        await transaction.CommitAsync(cancellationToken);
        PhaseChanged?.Invoke(MigrationPhase.Preparing, MigrationPhase.NotStarted, null);
    }

    public async Task DropAsync(CancellationToken cancellationToken)
    {
        await using var connection = await target.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await connection.ExecuteAsync("SET LOCAL client_min_messages = warning", cancellationToken);
        await connection.ExecuteAsync("DROP SCHEMA IF EXISTS heroku_migrator CASCADE", cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    public async Task SetPhaseAsync(MigrationPhase phase, CancellationToken cancellationToken)
    {
        await using var connection = await target.OpenConnectionAsync(cancellationToken);
        TellPhase(phase, await SetPhaseAsync(connection, phase, cancellationToken));
    }

    private void TellPhase(MigrationPhase phase, string? before, string? failure = null)
    {
        if (before is not null)
        {
            PhaseChanged?.Invoke(phase, Enum.Parse<MigrationPhase>(before), failure);
        }
    }

    /// <summary>The phase before; null where it was this one already.</summary>
    private static Task<string?> SetPhaseAsync(NpgsqlConnection connection, MigrationPhase phase, CancellationToken cancellationToken) =>
        connection.ScalarAsync<string>(
            """
            WITH changed AS (
                UPDATE heroku_migrator.migration SET phase_before = phase, phase = $1, failure = NULL,
                    switched_at = CASE WHEN $1 = 'Switched' THEN clock_timestamp() WHEN $1 IN ('Completing') THEN switched_at END
                WHERE phase <> $1 RETURNING phase_before),
            noted AS (INSERT INTO heroku_migrator.event (kind, message) SELECT 'phase', phase_before || ' -> ' || $1 FROM changed)
            SELECT phase_before FROM changed
            """,
            cancellationToken, phase.ToString());

    /// <summary>Only out of a switch: where the statement arrives late, after that was taken back, it changes nothing.</summary>
    public async Task SetSwitchedAsync(CancellationToken cancellationToken)
    {
        await using var connection = await target.OpenConnectionAsync(cancellationToken);
        var before = await connection.ScalarAsync<string>(
            """
            WITH changed AS (
                UPDATE heroku_migrator.migration SET phase_before = phase, phase = 'Switched', failure = NULL, switched_at = clock_timestamp() WHERE phase = 'Switching' RETURNING phase_before),
            noted AS (INSERT INTO heroku_migrator.event (kind, message) SELECT 'phase', phase_before || ' -> Switched' FROM changed)
            SELECT phase_before FROM changed
            """,
            cancellationToken);
        TellPhase(MigrationPhase.Switched, before);
    }

    /// <summary>Waits for a transaction that is setting it.</summary>
    public async Task<bool> IsSwitchedAsync(CancellationToken cancellationToken)
    {
        await using var connection = await target.OpenConnectionAsync(cancellationToken);
        if (await connection.ScalarAsync<string>("SELECT phase FROM heroku_migrator.migration FOR UPDATE", cancellationToken) != nameof(MigrationPhase.Switched))
        {
            return false;
        }

        // Where the answer to the change was lost, nobody has been told yet.
        TellPhase(MigrationPhase.Switched, nameof(MigrationPhase.Switching));
        return true;
    }

    /// <summary>Only where a start is under way: a failure later leaves the phase, as its own commands ask for that.</summary>
    public async Task SetFailedAsync(string failure, CancellationToken cancellationToken)
    {
        await using var connection = await target.OpenConnectionAsync(cancellationToken);
        var before = await connection.ScalarAsync<string>(
            """
            WITH changed AS (
                UPDATE heroku_migrator.migration SET phase_before = phase, phase = 'Failed', failure = $1
                WHERE phase IN ('Preparing', 'Copying', 'CatchingUp') RETURNING phase_before),
            noted AS (INSERT INTO heroku_migrator.event (kind, message) SELECT 'phase', phase_before || ' -> Failed: ' || $1 FROM changed)
            SELECT phase_before FROM changed
            """,
            cancellationToken, failure);
        TellPhase(MigrationPhase.Failed, before, failure);
    }

    public async Task LogAsync(string kind, string message, CancellationToken cancellationToken)
    {
        await using var connection = await target.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync("INSERT INTO heroku_migrator.event (kind, message) VALUES ($1, $2)", cancellationToken, kind, message);
    }

    /// <summary>The plan is made once: which way a table goes must not change while it is under way.</summary>
    public async Task SavePlanAsync(IReadOnlyList<TableInfo> tables, CancellationToken cancellationToken)
    {
        await using var connection = await target.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await SavePlanAsync(connection, tables, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>In the transaction of whoever calls: adds tables, and changes none.</summary>
    public static async Task SavePlanAsync(NpgsqlConnection connection, IReadOnlyList<TableInfo> tables, CancellationToken cancellationToken)
    {
        foreach (var batch in tables.Chunk(SqlExtensions.RowsAStatement))
        {
            await connection.ExecuteAsync(
                """
                INSERT INTO heroku_migrator.moved_table (schema_name, table_name, plan, copied_at)
                SELECT s, t, p::jsonb, CASE WHEN done THEN clock_timestamp() END FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[]) u(s, t, p, done) ON CONFLICT DO NOTHING
                """,
                cancellationToken, batch.Select(table => table.Schema).ToArray(), batch.Select(table => table.Name).ToArray(), batch.Select(table => JsonSerializer.Serialize(table)).ToArray(),
                // Nothing is left to be copied of these, so nobody must wait for it.
                batch.Select(table => table.Mode == TransferMode.LeftOut).ToArray());
        }
    }

    /// <summary>To be called in the transaction that drops the table: its row of the plan, and what was still to be made of it or may be taken back.</summary>
    public static async Task ForgetTableAsync(NpgsqlConnection connection, TableInfo table, CancellationToken cancellationToken)
    {
        await connection.ExecuteAsync("DELETE FROM heroku_migrator.moved_table WHERE schema_name = $1 AND table_name = $2", cancellationToken, table.Schema, table.Name);
        await ChunkStore.ForgetAsync(connection, table, cancellationToken);
        await connection.ExecuteAsync(
            """
            DELETE FROM heroku_migrator.schema_entry e USING (SELECT ' ' || quote_ident($1) || '.' || quote_ident($2) AS name) t
            WHERE (e.done_at IS NULL OR e.stage = 'UnderFence') AND e.kind NOT IN ('VIEW', 'MATERIALIZED VIEW', 'FUNCTION', 'PROCEDURE', 'RULE')
              AND (strpos(e.sql, t.name || ' ') > 0 OR strpos(e.sql, t.name || E'\n') > 0 OR strpos(e.sql, t.name || '.') > 0)
            """,
            cancellationToken, table.Schema, table.Name);
    }

    public async Task<IReadOnlyList<TableRow>> ReadTablesAsync(CancellationToken cancellationToken)
    {
        await using var connection = await target.OpenConnectionAsync(cancellationToken);
        return await connection.ListAsync(
            "SELECT plan::text, copied_at IS NOT NULL, rows, bytes, source_version FROM heroku_migrator.moved_table ORDER BY schema_name, table_name",
            row => new TableRow(JsonSerializer.Deserialize<TableInfo>(row.GetString(0))!, row.GetBoolean(1), row.GetInt64(2), row.GetInt64(3), row.IsDBNull(4) ? null : row.GetString(4)),
            cancellationToken);
    }

    /// <summary>Tables that Bucardo may know: a partition that is just being adopted may have neither capture nor a counterpart yet.</summary>
    public async Task<IReadOnlyList<TableInfo>> ReadReplayedAsync(CancellationToken cancellationToken) =>
        [.. (await ReadTablesAsync(cancellationToken)).Where(row => row.Copied).Select(row => row.Table).Where(table => table.Mode == TransferMode.Replayed)];

    /// <summary>To be called in the transaction that copied the table, whose own beginning counts as the copy's.</summary>
    public static Task MarkCopiedAsync(NpgsqlConnection connection, TableInfo table, long rows, long bytes, string? sourceVersion, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(
            "UPDATE heroku_migrator.moved_table SET copy_begun_at = now(), copied_at = clock_timestamp(), rows = $3, bytes = $4, source_version = $5 WHERE schema_name = $1 AND table_name = $2",
            cancellationToken, table.Schema, table.Name, rows, bytes, sourceVersion);

    /// <summary>Tables whose statistics on the target were not made yet, with how many values a sample of the table has; those with most first.</summary>
    public async Task<IReadOnlyList<(string Schema, string Table, long Values)>> ReadUnanalyzedAsync(CancellationToken cancellationToken)
    {
        await using var connection = await target.OpenConnectionAsync(cancellationToken);
        return await connection.ListAsync(
            "SELECT schema_name, table_name, coalesce(least(rows, 30000) * jsonb_array_length(plan->'Columns'), 0) FROM heroku_migrator.moved_table WHERE analyzed_at IS NULL ORDER BY 3 DESC, 1, 2",
            row => (row.GetString(0), row.GetString(1), row.GetInt64(2)),
            cancellationToken);
    }

    public static Task MarkAnalyzedAsync(NpgsqlConnection connection, string schema, string table, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(
            "UPDATE heroku_migrator.moved_table SET analyzed_at = clock_timestamp() WHERE schema_name = $1 AND table_name = $2", cancellationToken, schema, table);

    public async Task ForgetCopyAsync(IReadOnlyList<TableInfo> tables, CancellationToken cancellationToken)
    {
        await using var connection = await target.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(
            """
            WITH forgotten AS (SELECT * FROM unnest($1::text[], $2::text[]) f(schema_name, table_name)),
                 chunks AS (DELETE FROM heroku_migrator.copy_chunk WHERE (schema_name, table_name) IN (SELECT * FROM forgotten))
            UPDATE heroku_migrator.moved_table SET copied_at = NULL WHERE (schema_name, table_name) IN (SELECT * FROM forgotten)
            """,
            cancellationToken, tables.Select(table => table.Schema).ToArray(), tables.Select(table => table.Name).ToArray());
    }

    /// <summary>In the transaction of whoever calls: the table is as given from now on, and its copy is not, unless none is made of it.</summary>
    public static async Task ReplanAsync(NpgsqlConnection connection, TableInfo table, CancellationToken cancellationToken)
    {
        await ChunkStore.ForgetAsync(connection, table, cancellationToken);
        await connection.ExecuteAsync(
            "UPDATE heroku_migrator.moved_table SET plan = $3::jsonb, copied_at = CASE WHEN $4 THEN copied_at END WHERE schema_name = $1 AND table_name = $2",
            cancellationToken, table.Schema, table.Name, JsonSerializer.Serialize(table), table.Mode == TransferMode.LeftOut);
    }

    /// <summary>The copy of before serves: what it lacks is among the captured changes.</summary>
    public async Task MarkFilledAsync(TableInfo table, CancellationToken cancellationToken)
    {
        await using var connection = await target.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(
            "UPDATE heroku_migrator.moved_table SET copied_at = clock_timestamp() WHERE schema_name = $1 AND table_name = $2", cancellationToken, table.Schema, table.Name);
    }

    /// <summary>What their copies were made of is not known any more; the copies stay.</summary>
    public async Task ForgetVersionsAsync(IReadOnlyList<TableInfo> tables, CancellationToken cancellationToken)
    {
        await using var connection = await target.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(
            "UPDATE heroku_migrator.moved_table SET source_version = NULL WHERE (schema_name, table_name) IN (SELECT * FROM unnest($1::text[], $2::text[]))",
            cancellationToken, tables.Select(table => table.Schema).ToArray(), tables.Select(table => table.Name).ToArray());
    }

    public async Task SaveFenceAsync(string json, CancellationToken cancellationToken)
    {
        await using var connection = await target.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync("UPDATE heroku_migrator.migration SET fence = $1::jsonb", cancellationToken, json);
    }

    /// <summary>Null where nothing is fenced.</summary>
    public async Task<string?> ReadFenceAsync(CancellationToken cancellationToken)
    {
        await using var connection = await target.OpenConnectionAsync(cancellationToken);
        return await connection.ScalarAsync<string>("SELECT fence::text FROM heroku_migrator.migration", cancellationToken);
    }

    /// <param name="phase">What follows, set in the same transaction; null: it stays.</param>
    /// <param name="cancellationToken">Nothing is changed where it comes before the commit.</param>
    public async Task ClearFenceAsync(MigrationPhase? phase, CancellationToken cancellationToken)
    {
        await using var connection = await target.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await connection.ExecuteAsync("UPDATE heroku_migrator.migration SET fence = NULL WHERE fence IS NOT NULL", cancellationToken);
        var before = phase is { } next ? await SetPhaseAsync(connection, next, cancellationToken) : null;
        await transaction.CommitAsync(cancellationToken);
        if (phase is { } told)
        {
            TellPhase(told, before);
        }
    }

    public async Task SaveOptionsAsync(StartOptions options, CancellationToken cancellationToken)
    {
        await using var connection = await target.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync("UPDATE heroku_migrator.migration SET options = $1::jsonb", cancellationToken, JsonSerializer.Serialize(options));
    }

    public async Task SaveTargetWritesAsync(string? json, CancellationToken cancellationToken)
    {
        await using var connection = await target.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync("UPDATE heroku_migrator.migration SET target_writes = $1::jsonb", cancellationToken, json);
    }

    public async Task<string?> ReadTargetWritesAsync(CancellationToken cancellationToken)
    {
        await using var connection = await target.OpenConnectionAsync(cancellationToken);
        return await connection.ScalarAsync<string>("SELECT target_writes::text FROM heroku_migrator.migration", cancellationToken);
    }
}

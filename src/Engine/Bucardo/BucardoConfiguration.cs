using HerokuMigrator.Capture;
using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Bucardo;

/// <summary>
/// Writes the configuration of the one sync by parameterised SQL: the command line would split values at commas,
/// show passwords in the process list, and refuse many names. Bucardo's own validation runs when the daemon starts.
/// </summary>
internal static class BucardoConfiguration
{
    public const string SourceService = "source";
    public const string TargetService = "target";

    /// <summary>Replaces whatever was configured. The daemon must not run.</summary>
    public static async Task ApplyAsync(NpgsqlDataSource control, string folder, IReadOnlyList<TableInfo> replayed, CancellationToken cancellationToken)
    {
        await using var connection = await control.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        // Its triggers would connect to both databases in the middle of this transaction, one table at a time.
        await connection.ExecuteAsync("SET LOCAL session_replication_role = replica", cancellationToken);
        foreach (var table in new[] { "customcols", "sync", "herdmap", "herd", "goat", "dbmap", "dbgroup", "db" })
        {
            await connection.ExecuteAsync($"DELETE FROM bucardo.{table}", cancellationToken);
        }

        await ApplySettingsAsync(connection, folder, cancellationToken);
        await ApplyDatabasesAsync(connection, cancellationToken);
        foreach (var table in replayed.Append(CaptureInstaller.Sentinel))
        {
            await AddTableAsync(connection, table, cancellationToken);
        }

        await connection.ExecuteAsync(
            """
            INSERT INTO bucardo.sync (name, herd, dbs, autokick, checktime, strict_checking, onetimecopy, conflict_strategy)
            VALUES ($1, $1, $1, false, interval '1 second', false, 0, 'bucardo_source')
            """,
            cancellationToken, CaptureNames.SyncName);
        foreach (var table in replayed.Where(table => table.Columns.Any(column => column.Generated)))
        {
            await connection.ExecuteAsync(
                "INSERT INTO bucardo.customcols (goat, clause, db, sync) SELECT id, $3, $4, $5 FROM bucardo.goat WHERE schemaname = $1 AND tablename = $2",
                cancellationToken, table.Schema, table.Name, "SELECT " + SqlName.List(table.CopiedColumns.Select(column => column.Name)), TargetService, CaptureNames.SyncName);
        }

        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Schema-qualified and quoted names of what the sync is configured for, the sentinel too.</summary>
    public static async Task<HashSet<string>> ReadTablesAsync(NpgsqlDataSource control, CancellationToken cancellationToken)
    {
        await using var connection = await control.OpenConnectionAsync(cancellationToken);
        return (await connection.ListAsync(
            "SELECT schemaname, tablename FROM bucardo.goat", row => SqlName.Qualify(row.GetString(0), row.GetString(1)), cancellationToken)).ToHashSet(StringComparer.Ordinal);
    }

    private static async Task ApplySettingsAsync(NpgsqlConnection connection, string folder, CancellationToken cancellationToken)
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["piddir"] = Path.Combine(folder, "pid"),
            ["reason_file"] = Path.Combine(folder, "log", "reason"),
            ["warning_file"] = Path.Combine(folder, "log", "warning"),
            ["log_conflict_file"] = Path.Combine(folder, "log", "conflict"),
            // It grows with the square of the backlog, and every run looks at each table anyway.
            ["quick_delta_check"] = "0",
            // Its purge breaks on long quoted names; ours replaces it.
            ["bucardo_vac"] = "0",
            ["mcp_loop_sleep"] = "0.1",
            ["ctl_sleep"] = "0.1",
            ["kid_sleep"] = "0.1",
            ["kid_nodeltarows_sleep"] = "0.1",
            // How soon a run that failed is followed by the next.
            ["ctl_checkonkids_time"] = "1",
            ["log_microsecond"] = "1",
            // So that its log can be read by a program, wherever that runs.
            ["log_showlevel"] = "1",
            ["log_showtime"] = "2",
            ["log_timer_format"] = "%Y-%m-%dT%H:%M:%S Z",
        };
        foreach (var (name, value) in settings)
        {
            // The trigger that lower-cases most settings is off here; paths keep their case.
            await connection.ExecuteAsync("UPDATE bucardo.bucardo_config SET setting = $2 WHERE name = $1", cancellationToken, name, value);
        }
    }

    private static async Task ApplyDatabasesAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await connection.ExecuteAsync("INSERT INTO bucardo.dbgroup (name) VALUES ($1)", cancellationToken, CaptureNames.SyncName);
        await connection.ExecuteAsync("INSERT INTO bucardo.herd (name) VALUES ($1)", cancellationToken, CaptureNames.SyncName);
        foreach (var service in new[] { SourceService, TargetService })
        {
            await connection.ExecuteAsync("INSERT INTO bucardo.db (name, dbservice) VALUES ($1, $1)", cancellationToken, service);
            await connection.ExecuteAsync("INSERT INTO bucardo.dbmap (db, dbgroup, role) VALUES ($1, $2, $1)", cancellationToken, service, CaptureNames.SyncName);
        }
    }

    private static async Task AddTableAsync(NpgsqlConnection connection, TableInfo table, CancellationToken cancellationToken)
    {
        var types = table.Key.Select(key => BucardoType(table.Columns.First(column => column.Name == key)));
        await connection.ExecuteAsync(
            """
            WITH added AS (
                INSERT INTO bucardo.goat (db, schemaname, tablename, pkey, qpkey, pkeytype, strict_checking)
                VALUES ($1, $2, $3, $4, (SELECT string_agg(quote_ident(k), '|' ORDER BY at) FROM unnest(string_to_array($4, '|')) WITH ORDINALITY u(k, at)), $5, false)
                RETURNING id)
            INSERT INTO bucardo.herdmap (herd, goat) SELECT $6, id FROM added
            """,
            cancellationToken, SourceService, table.Schema, table.Name, string.Join('|', table.Key), string.Join('|', types), CaptureNames.SyncName);
    }

    /// <summary>Only bytea matters to Bucardo: it reads such keys as base64.</summary>
    private static string BucardoType(ColumnInfo column) => column.BaseTypeName switch
    {
        "int2" => "smallint",
        "int4" => "integer",
        "int8" => "bigint",
        var other => other,
    };
}

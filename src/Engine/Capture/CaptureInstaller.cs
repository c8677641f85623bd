using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Capture;

/// <summary>Puts the capture objects on the source, one table a transaction. Repeatable: what is there is left.</summary>
internal sealed class CaptureInstaller(NpgsqlDataSource source, IOperationEvents events)
{
    public const string MarkerPrefix = "HerokuMigrator ";

    /// <summary>The table whose change, written after the fence, proves by its arrival that everything before it has arrived.</summary>
    public static readonly TableInfo Sentinel = new()
    {
        Oid = 0,
        Schema = "heroku_migrator",
        Name = "sentinel",
        Owner = "",
        Owned = true,
        Key = ["id"],
        Columns = [new ColumnInfo("id", "integer", true, false, "int4", 'b', false), new ColumnInfo("mark", "text", true, false, "text", 'b', false)],
    };

    public async Task InstallAsync(string migrationId, IReadOnlyList<TableInfo> tables, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await InstallSharedAsync(connection, migrationId, cancellationToken);
        var present = await PresentTriggersAsync(connection, cancellationToken);
        var missing = tables.Append(Sentinel).Where(table => !CaptureSql.TriggerNames.All(trigger => present.Contains((table.Schema, table.Name, trigger)))).ToList();
        var done = tables.Count + 1 - missing.Count;
        await Transactions(connection, events, cancellationToken).RunAsync(
            [.. missing.Select(table => new ShortTransaction(table.QualifiedName, [.. CaptureSql.Objects(table), .. CaptureSql.Triggers(table)]))],
            transaction =>
            {
                events.Debug($"Capture installed on {transaction.Table}.");
                events.Progress(new OperationProgress("Installing capture on the source", transaction.Table, ++done * 100 / (tables.Count + 1)));
            },
            cancellationToken);
    }

    /// <summary>Refuses a schema bucardo or heroku_migrator that this migration did not make.</summary>
    public static async Task RefuseForeignAsync(NpgsqlConnection connection, string? migrationId, CancellationToken cancellationToken)
    {
        var markers = await ReadMarkersAsync(connection, cancellationToken);
        foreach (var (schema, marker) in markers)
        {
            if (marker is null || !marker.StartsWith(MarkerPrefix, StringComparison.Ordinal))
            {
                throw Errors.ForeignBucardo(schema);
            }

            if (migrationId is null || marker != MarkerPrefix + migrationId)
            {
                throw Errors.OtherMigrationOnSource(marker[MarkerPrefix.Length..]);
            }
        }
    }

    internal static Task<List<(string Schema, string? Marker)>> ReadMarkersAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        connection.ListAsync(
            "SELECT n.nspname, obj_description(n.oid, 'pg_namespace') FROM pg_namespace n WHERE n.nspname IN ('bucardo', 'heroku_migrator') ORDER BY 1",
            row => (row.GetString(0), row.IsDBNull(1) ? null : row.GetString(1)),
            cancellationToken);

    private static async Task InstallSharedAsync(NpgsqlConnection connection, string migrationId, CancellationToken cancellationToken)
    {
        await RefuseForeignAsync(connection, migrationId, cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        foreach (var sql in CaptureSql.SharedObjects())
        {
            await connection.ExecuteAsync(sql, cancellationToken);
        }

        foreach (var schema in new[] { "bucardo", "heroku_migrator" })
        {
            await connection.ExecuteAsync($"COMMENT ON SCHEMA {schema} IS {SqlName.Literal(MarkerPrefix + migrationId)}", cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Each once its table's lock is free; a table that stays locked is told with who has it.</summary>
    internal static ShortTransactions Transactions(NpgsqlConnection connection, IOperationEvents events, CancellationToken cancellationToken) => new(
        connection,
        LockPatience.Default,
        async (table, attempt, blockers) =>
        {
            var staying = await Autovacuum.MakeGiveWayAsync(connection, blockers, "capture", events, cancellationToken);
            if (attempt % 10 == 0)
            {
                var wraparound = staying.Count == 0 ? "" : " Its autovacuum does not give way, most likely as it prevents a wraparound.";
                events.Warning($"Capture on {table} waits for its lock, attempt {attempt}: {LockHolders.Describe(blockers)}.{wraparound}");
            }
        });

    private static async Task<HashSet<(string Schema, string Table, string Trigger)>> PresentTriggersAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var rows = await connection.ListAsync(
            """
            SELECT n.nspname, c.relname, t.tgname FROM pg_trigger t
            JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace pn ON pn.oid = p.pronamespace
            WHERE pn.nspname = 'bucardo' AND NOT t.tgisinternal
            """,
            row => (row.GetString(0), row.GetString(1), row.GetString(2)),
            cancellationToken);
        return [.. rows];
    }
}

using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Capture;

/// <summary>Takes every capture object from the source, found by the catalog alone, so that it works without any state.</summary>
internal sealed class CaptureRemover(NpgsqlDataSource source, IOperationEvents events)
{
    /// <param name="migrationId">Whose objects; null: of whatever migration they are.</param>
    /// <param name="cancellationToken">Ends it between two tables.</param>
    public async Task RemoveAsync(string? migrationId, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        var schemas = await CaptureInstaller.ReadMarkersAsync(connection, cancellationToken);
        var ours = schemas.Where(schema => migrationId is null
            ? schema.Marker?.StartsWith(CaptureInstaller.MarkerPrefix, StringComparison.Ordinal) == true
            : schema.Marker == CaptureInstaller.MarkerPrefix + migrationId).ToList();
        if (ours.Count == 0)
        {
            return;
        }

        await RemoveTriggersAsync(connection, cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await connection.ExecuteAsync("SET LOCAL client_min_messages = warning", cancellationToken);
        foreach (var (schema, _) in ours)
        {
            await connection.ExecuteAsync($"DROP SCHEMA {SqlName.Quote(schema)} CASCADE", cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        events.Information("Capture objects removed from the source.");
    }

    /// <summary>What is left of the capture of a table that was dropped: its triggers went with it. Changes of it that wait would be waited for in vain.</summary>
    public static async Task RemoveObjectsOfDroppedAsync(NpgsqlConnection connection, TableInfo table, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await connection.ExecuteAsync("SET LOCAL client_min_messages = warning", cancellationToken);
        if (table.Mode == TransferMode.Replayed)
        {
            var names = CaptureNames.For(table);
            foreach (var sql in DropTables(names))
            {
                await connection.ExecuteAsync(sql, cancellationToken);
            }

            await connection.ExecuteAsync($"DROP FUNCTION IF EXISTS {CaptureNames.InBucardo(names.Delta)}(), {CaptureNames.InBucardo(names.TruncateFunction)}()", cancellationToken);
        }

        await connection.ExecuteAsync("DELETE FROM bucardo.bucardo_truncate_trigger WHERE tablename = $1::bigint::oid", cancellationToken, (long)table.Oid);
        await connection.ExecuteAsync("DELETE FROM heroku_migrator.recopy WHERE schema_name = $1 AND table_name = $2", cancellationToken, table.Schema, table.Name);
        await transaction.CommitAsync(cancellationToken);
    }

    private async Task RemoveTriggersAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var triggers = await connection.ListAsync(
            """
            SELECT n.nspname, c.relname, t.tgname, CASE pn.nspname WHEN 'bucardo' THEN p.proname END, c.oid FROM pg_trigger t
            JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace pn ON pn.oid = p.pronamespace
            WHERE pn.nspname IN ('bucardo', 'heroku_migrator') AND n.nspname NOT IN ('bucardo', 'heroku_migrator') AND NOT t.tgisinternal
            ORDER BY 1, 2
            """,
            row => (Schema: row.GetString(0), Table: row.GetString(1), Trigger: row.GetString(2), Function: row.IsDBNull(3) ? null : row.GetString(3), Oid: row.GetFieldValue<uint>(4)),
            cancellationToken);
        var tables = triggers.GroupBy(trigger => (trigger.Schema, trigger.Table, trigger.Oid)).ToList();
        var done = 0;
        await CaptureInstaller.Transactions(connection, events, cancellationToken).RunAsync(
            [.. tables.Select(table => new ShortTransaction(SqlName.Qualify(table.Key.Schema, table.Key.Table), [.. Statements(table.Key, [.. table.Select(trigger => (trigger.Trigger, trigger.Function))])]))],
            transaction => events.Progress(new OperationProgress("Removing capture from the source", transaction.Table, ++done * 100 / tables.Count)),
            cancellationToken);
    }

    private static IEnumerable<string> Statements((string Schema, string Name, uint Oid) table, IReadOnlyList<(string Trigger, string? Function)> triggers)
    {
        yield return "SET LOCAL client_min_messages = warning";
        foreach (var (trigger, _) in triggers)
        {
            yield return $"DROP TRIGGER IF EXISTS {SqlName.Quote(trigger)} ON {SqlName.Qualify(table.Schema, table.Name)}";
        }

        foreach (var function in triggers.Select(trigger => trigger.Function).OfType<string>())
        {
            yield return $"DROP FUNCTION IF EXISTS {CaptureNames.InBucardo(function)}()";
        }

        yield return "DROP SEQUENCE IF EXISTS " + WriteMarks.SequenceOf(table.Oid);
        foreach (var sql in DropTables(CaptureNames.For(table.Schema, table.Name)))
        {
            yield return sql;
        }
    }

    private static IEnumerable<string> DropTables(CaptureNames names) =>
        new[] { names.Delta, names.Track, names.Stage }.Select(dropped => $"DROP TABLE IF EXISTS {CaptureNames.InBucardo(dropped)}");
}

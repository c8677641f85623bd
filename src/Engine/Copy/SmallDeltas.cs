using System.Data;
using HerokuMigrator.Capture;
using HerokuMigrator.Catalog;
using HerokuMigrator.Operations;
using Npgsql;

namespace HerokuMigrator.Copy;

/// <summary>
/// Applies little that is pending of several tables in one transaction of either side: what <see cref="DeltaApplier"/> does for one table, with few ways there and back and few commits.
/// The keys are held in memory, and every table is locked on the source before the snapshot, so that none can be emptied or rewritten under it. The daemon must stand still.
/// </summary>
internal sealed class SmallDeltas(MigrationSession session)
{
    /// <summary>Of one table.</summary>
    private const int MostKeys = 5000;

    /// <returns>Tables that were left, as more of them is pending, or they were truncated.</returns>
    public async Task<IReadOnlyList<TableInfo>> ApplyAsync(IReadOnlyList<TableInfo> tables, CancellationToken cancellationToken)
    {
        var settings = await session.ReadApplicationSettingsAsync(cancellationToken);
        var names = string.Join(", ", tables.Select(table => "ONLY " + table.QualifiedName));
        await using var source = await session.Source.OpenConnectionAsync(cancellationToken);
        await using var target = await session.Target.OpenConnectionAsync(cancellationToken);
        await using var applying = await target.BeginTransactionAsync(cancellationToken);
        // First, as there: whoever may still be committing is waited for, and what it read is older than the snapshot.
        await target.ExecuteAsync(
            $"SET LOCAL session_replication_role = replica; SET LOCAL lock_timeout = {DeltaApplier.TargetLockTimeout}; {settings.SetLocal}; LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE", cancellationToken);
        await using var reading = await source.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        await source.ExecuteAsync($"SET LOCAL lock_timeout = {DeltaApplier.SourceLockTimeout}; {settings.SetLocal}; LOCK TABLE {names} IN ACCESS SHARE MODE", cancellationToken);
        var pending = await ReadKeysAsync(source, tables, cancellationToken);
        var small = pending.Where(table => table.Keys.Count <= MostKeys).ToList();
        await ExecuteAsync(target, small.Where(table => table.Keys.Count > 0).Select(table => Delete(table.Table, table.Keys)), cancellationToken);
        foreach (var (table, keys) in small.Where(table => table.Keys.Count > 0))
        {
            await DeltaApplier.SendRowsAsync(source, target, table, all: false, cancellationToken);
        }

        await applying.CommitAsync(cancellationToken);
        session.Events.Debug($"What was pending of {small.Count} tables is on the target; it is removed from the source.");
        await ExecuteAsync(source, small.Select(table => new NpgsqlBatchCommand($"DELETE {DeltaBacklog.PendingFrom(CaptureNames.For(table.Table))}")), cancellationToken);
        await reading.CommitAsync(cancellationToken);
        return [.. tables.Except(small.Select(table => table.Table))];
    }

    /// <summary>Without tables that were truncated; one key too many where there are more than are held.</summary>
    private static async Task<List<(TableInfo Table, List<string[]> Keys)>> ReadKeysAsync(NpgsqlConnection source, IReadOnlyList<TableInfo> tables, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(source) { Timeout = 0 };
        batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT tablename FROM bucardo.bucardo_truncate_trigger WHERE replicated IS NULL"));
        foreach (var table in tables)
        {
            var texts = string.Join(", ", table.Key.Select(column => $"k.{SqlName.Quote(column)}::text"));
            batch.BatchCommands.Add(new NpgsqlBatchCommand($"SELECT ARRAY[{texts}]::text[] FROM ({DeltaApplier.PendingKeys(table)} LIMIT {MostKeys + 1}) k"));
        }

        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var truncated = new HashSet<uint>();
        while (await reader.ReadAsync(cancellationToken))
        {
            truncated.Add(reader.GetFieldValue<uint>(0));
        }

        var found = new List<(TableInfo, List<string[]>)>();
        foreach (var table in tables)
        {
            await reader.NextResultAsync(cancellationToken);
            var keys = new List<string[]>();
            while (await reader.ReadAsync(cancellationToken))
            {
                keys.Add(reader.GetFieldValue<string[]>(0));
            }

            if (!truncated.Contains(table.Oid))
            {
                found.Add((table, keys));
            }
        }

        return found;
    }

    private static NpgsqlBatchCommand Delete(TableInfo table, List<string[]> keys)
    {
        var columns = table.Key.Select(name => table.Columns.First(column => column.Name == name)).ToList();
        var arrays = string.Join(", ", columns.Select((_, at) => $"${at + 1}::text[]"));
        var names = string.Join(", ", columns.Select((_, at) => $"c{at}"));
        var same = string.Join(" AND ", columns.Select((column, at) => $"t.{SqlName.Quote(column.Name)} = k.c{at}::{column.Type}"));
        var command = new NpgsqlBatchCommand($"DELETE FROM ONLY {table.QualifiedName} t USING unnest({arrays}) k({names}) WHERE {same}");
        for (var at = 0; at < columns.Count; at++)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = keys.ConvertAll(key => key[at]).ToArray() });
        }

        return command;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, IEnumerable<NpgsqlBatchCommand> commands, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection) { Timeout = 0 };
        foreach (var command in commands)
        {
            batch.BatchCommands.Add(command);
        }

        if (batch.BatchCommands.Count > 0)
        {
            await batch.ExecuteNonQueryAsync(cancellationToken);
        }
    }
}

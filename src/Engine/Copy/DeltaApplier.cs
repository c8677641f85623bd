using System.Data;
using System.Globalization;
using HerokuMigrator.Capture;
using HerokuMigrator.Catalog;
using HerokuMigrator.Operations;
using Npgsql;

namespace HerokuMigrator.Copy;

/// <summary>What was applied of one table.</summary>
internal sealed record AppliedDelta(long Keys, long Rows, long Transactions);

/// <summary>
/// Applies what is pending of one table by streams between the servers, so that no memory grows with it; Bucardo holds all keys of a table in its own.
/// The daemon must stand still. Killed anywhere it is applied again, which comes to the same: the target commits first, the marks on the source last.
/// </summary>
internal sealed class DeltaApplier(MigrationSession session)
{
    private const string Keys = "pg_temp.heroku_migrator_keys";

    /// <summary>Under the server's deadlock_timeout, as everywhere on the source.</summary>
    private const string SourceLockTimeout = "800";

    /// <summary>Nobody but a migration writes there; a statement by hand (an index, a VACUUM) may take a while.</summary>
    private const string TargetLockTimeout = "60000";

    private const int LockAttempts = 30;
    private static readonly TimeSpan BetweenLocks = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// Null where Bucardo must do it: a truncation is pending, or the table's rows got another file meanwhile (TRUNCATE, ALTER TABLE),
    /// where an older snapshot would see an empty table.
    /// </summary>
    public async Task<AppliedDelta?> ApplyAsync(TableInfo table, CancellationToken cancellationToken)
    {
        var settings = await session.ReadApplicationSettingsAsync(cancellationToken);
        await using var source = await session.Source.OpenConnectionAsync(cancellationToken);
        await using var target = await session.Target.OpenConnectionAsync(cancellationToken);
        await using var applying = await target.BeginTransactionAsync(cancellationToken);
        await target.ExecuteAsync(
            $"SET LOCAL session_replication_role = replica; SET LOCAL lock_timeout = {TargetLockTimeout}; {settings.SetLocal}", cancellationToken);
        // Whoever may still be writing there (the commit of a run that was killed just now) is waited for, so that the snapshot below is the younger one.
        await target.ExecuteAsync($"LOCK TABLE ONLY {table.QualifiedName} IN SHARE ROW EXCLUSIVE MODE", cancellationToken);
        var file = await ReadFileAsync(source, table, cancellationToken);
        await using var reading = await source.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        // Keys are compared as Bucardo's own session does: operators of an extension's types must be found.
        await source.ExecuteAsync($"SET LOCAL lock_timeout = {SourceLockTimeout}; {settings.SetLocal}", cancellationToken);
        if (await source.ScalarAsync<bool>(
            "SELECT EXISTS (SELECT FROM bucardo.bucardo_truncate_trigger WHERE tablename = $1::bigint::oid AND replicated IS NULL)", cancellationToken, (long)table.Oid))
        {
            return null;
        }

        var keys = await SendKeysAsync(source, target, table, cancellationToken);
        session.Events.Verbose($"Applying the backlog of {table}: {keys.ToString(CultureInfo.InvariantCulture)} keys.");
        await DeleteAsync(target, table, cancellationToken);
        await LockAsync(source, reading, table, cancellationToken);
        if (await ReadFileAsync(source, table, cancellationToken) != file)
        {
            return null;
        }

        var rows = await SendRowsAsync(source, target, table, cancellationToken);
        await applying.CommitAsync(cancellationToken);
        session.Events.Debug($"The backlog of {table} is on the target; its marks follow.");
        var transactions = await MarkAsync(source, table, cancellationToken);
        await reading.CommitAsync(cancellationToken);
        return new AppliedDelta(keys, rows, transactions);
    }

    private static Task<uint> ReadFileAsync(NpgsqlConnection source, TableInfo table, CancellationToken cancellationToken) =>
        source.ScalarAsync<uint>("SELECT pg_relation_filenode(to_regclass($1))", cancellationToken, table.QualifiedName);

    private static async Task<long> SendKeysAsync(NpgsqlConnection source, NpgsqlConnection target, TableInfo table, CancellationToken cancellationToken)
    {
        var columns = SqlName.List(table.Key);
        await target.ExecuteAsync($"CREATE TEMPORARY TABLE heroku_migrator_keys ON COMMIT DROP AS SELECT {columns} FROM ONLY {table.QualifiedName} LIMIT 0", cancellationToken);
        var keys = await SendAsync(source, $"({PendingKeys(table)})", target, $"{Keys} ({columns})", cancellationToken);
        await target.ExecuteAsync($"ANALYZE {Keys}", cancellationToken);
        return keys;
    }

    private static Task<int> DeleteAsync(NpgsqlConnection target, TableInfo table, CancellationToken cancellationToken) =>
        target.ExecuteAsync($"DELETE FROM ONLY {table.QualifiedName} t USING {Keys} k WHERE {SameKey(table)}", cancellationToken);

    private static async Task<long> SendRowsAsync(NpgsqlConnection source, NpgsqlConnection target, TableInfo table, CancellationToken cancellationToken)
    {
        var columns = table.CopiedColumns.Select(column => column.Name).ToList();
        var selected = string.Join(", ", columns.Select(column => "t." + SqlName.Quote(column)));
        return await SendAsync(
            source, $"(SELECT {selected} FROM ONLY {table.QualifiedName} t JOIN ({PendingKeys(table)}) k ON {SameKey(table)})",
            target, $"{table.QualifiedName} ({SqlName.List(columns)})", cancellationToken);
    }

    private static async Task<long> SendAsync(NpgsqlConnection source, string select, NpgsqlConnection target, string into, CancellationToken cancellationToken)
    {
        var sent = 0L;
        await CopyStream.RelayAsync(source, select, target, into, CopyFormat.Text, Count, cancellationToken);
        return sent;

        ValueTask Count(int bytes, int rows, CancellationToken token)
        {
            sent += rows;
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>In the snapshot that the keys were read in: what was captured since stays pending.</summary>
    private static Task<int> MarkAsync(NpgsqlConnection source, TableInfo table, CancellationToken cancellationToken)
    {
        var names = CaptureNames.For(table);
        return source.ExecuteAsync(
            $"INSERT INTO {CaptureNames.InBucardo(names.Track)} (txntime, target) SELECT DISTINCT d.txntime, '{CaptureNames.TrackTarget}' {DeltaBacklog.PendingFrom(names)}", cancellationToken);
    }

    private static string PendingKeys(TableInfo table) =>
        $"SELECT DISTINCT {string.Join(", ", table.Key.Select(column => "d." + SqlName.Quote(column)))} {DeltaBacklog.PendingFrom(CaptureNames.For(table))}";

    private static string SameKey(TableInfo table) => string.Join(" AND ", table.Key.Select(column => $"t.{SqlName.Quote(column)} = k.{SqlName.Quote(column)}"));

    /// <summary>Only now, as the application may want to alter or truncate the table while its keys travel. The snapshot and what was sent stay.</summary>
    private static async Task LockAsync(NpgsqlConnection source, NpgsqlTransaction reading, TableInfo table, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            await reading.SaveAsync("before_lock", cancellationToken);
            try
            {
                await source.ExecuteAsync($"LOCK TABLE ONLY {table.QualifiedName} IN ACCESS SHARE MODE", cancellationToken);
                return;
            }
            catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.LockNotAvailable && attempt < LockAttempts)
            {
                await reading.RollbackAsync("before_lock", cancellationToken);
                await Task.Delay(BetweenLocks, cancellationToken);
            }
        }
    }
}

using System.Data;
using System.Globalization;
using HerokuMigrator.Capture;
using HerokuMigrator.Catalog;
using HerokuMigrator.Operations;
using Npgsql;

namespace HerokuMigrator.Copy;

/// <summary>What was applied of one table: so many keys of so many changes, and the rows that they have now.</summary>
internal sealed record AppliedDelta(long Keys, long Rows, long Changes);

/// <summary>
/// Applies what is pending of one table by streams between the servers, so that no memory grows with it; Bucardo holds all keys of a table in its own.
/// The daemon must stand still. Killed anywhere it is applied again, which comes to the same: the target commits first, and the source forgets last.
/// </summary>
internal sealed class DeltaApplier(MigrationSession session)
{
    /// <summary>Under the server's deadlock_timeout, as everywhere on the source.</summary>
    internal const string SourceLockTimeout = "800";

    /// <summary>Nobody but a migration writes there; a statement by hand (an index, a VACUUM) may take a while.</summary>
    internal const string TargetLockTimeout = "60000";

    private const int LockAttempts = 30;
    private static readonly TimeSpan BetweenLocks = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// Null where Bucardo must do it: the table's rows got another file meanwhile (TRUNCATE, ALTER TABLE), where an older snapshot would see an empty table.
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
        if (await ReplaceAsync(source, reading, target, table, file, cancellationToken) is not var (keys, rows))
        {
            return null;
        }

        await applying.CommitAsync(cancellationToken);
        session.Events.Debug($"The backlog of {table} is on the target; it is removed from the source.");
        var changes = await RemoveAsync(source, table, cancellationToken);
        await reading.CommitAsync(cancellationToken);
        return new AppliedDelta(keys, rows, changes);
    }

    /// <summary>
    /// Puts the rows of the pending keys, as the snapshot has them, in the place of those on the target; all of them where a truncation is pending.
    /// Both sides are in transactions of the caller. Null where the rows are in another file than they were before the snapshot.
    /// </summary>
    public async Task<(long Keys, long Rows)?> ReplaceAsync(
        NpgsqlConnection source, NpgsqlTransaction reading, NpgsqlConnection target, TableInfo table, uint file, CancellationToken cancellationToken)
    {
        var truncated = await source.ScalarAsync<bool>($"SELECT EXISTS (SELECT {DeltaBacklog.TruncationsOf(table)})", cancellationToken);
        var keys = truncated ? 0 : await CapturedKeys.SendAsync(source, PendingKeys(table), target, table, cancellationToken);
        session.Events.Verbose(
            truncated ? $"Applying the backlog of {table}: it was truncated, all of its rows." : $"Applying the backlog of {table}: {keys.ToString(CultureInfo.InvariantCulture)} keys.");
        await (truncated ? target.ExecuteAsync($"TRUNCATE ONLY {table.QualifiedName}", cancellationToken) : CapturedKeys.DeleteAsync(target, table, cancellationToken));
        await LockAsync(source, reading, table, cancellationToken);
        if (await ReadFileAsync(source, table, cancellationToken) != file)
        {
            return null;
        }

        return (keys, await SendRowsAsync(source, target, table, truncated, cancellationToken));
    }

    public static Task<uint> ReadFileAsync(NpgsqlConnection source, TableInfo table, CancellationToken cancellationToken) =>
        source.ScalarAsync<uint>("SELECT pg_relation_filenode(to_regclass($1))", cancellationToken, table.QualifiedName);

    /// <param name="source">In the snapshot whose keys were deleted.</param>
    /// <param name="target">In the transaction that deleted them.</param>
    /// <param name="table">Whose rows.</param>
    /// <param name="all">Of the table, not of the pending keys only.</param>
    /// <param name="cancellationToken">Ends it.</param>
    internal static async Task<long> SendRowsAsync(NpgsqlConnection source, NpgsqlConnection target, TableInfo table, bool all, CancellationToken cancellationToken)
    {
        var columns = table.CopiedColumns.Select(column => column.Name).ToList();
        var selected = string.Join(", ", columns.Select(column => "t." + SqlName.Quote(column)));
        var sent = 0L;
        await CopyStream.RelayAsync(
            source, $"(SELECT {selected} FROM ONLY {table.QualifiedName} t{(all ? "" : $" JOIN ({PendingKeys(table)}) k ON {CapturedKeys.Same(table)}")})",
            target, $"{table.QualifiedName} ({SqlName.List(columns)})", CopyFormat.Text,
            (_, rows, _) =>
            {
                sent += rows;
                return ValueTask.CompletedTask;
            },
            cancellationToken);
        return sent;
    }

    /// <summary>
    /// In the snapshot that the keys were read in: what was captured since stays pending. Marks, by which a purge would find the same rows later, would cost several times as much
    /// where each change is a transaction of its own.
    /// </summary>
    private static async Task<int> RemoveAsync(NpgsqlConnection source, TableInfo table, CancellationToken cancellationToken)
    {
        var changes = await source.ExecuteAsync($"DELETE {DeltaBacklog.PendingFrom(CaptureNames.For(table))}", cancellationToken);
        await source.ExecuteAsync(MarkTruncationSql(table), cancellationToken);
        return changes;
    }

    /// <summary>In the snapshot that the keys were read in: what was captured since stays pending.</summary>
    public static Task<int> MarkAsync(NpgsqlConnection source, TableInfo table, CancellationToken cancellationToken) =>
        source.ExecuteAsync(
            $"INSERT INTO {CaptureNames.InBucardo(CaptureNames.For(table).Track)} (txntime, target) SELECT DISTINCT d.txntime, '{CaptureNames.TrackTarget}' {DeltaBacklog.PendingFrom(CaptureNames.For(table))}; {MarkTruncationSql(table)}", cancellationToken);

    private static string MarkTruncationSql(TableInfo table) =>
        $"UPDATE bucardo.bucardo_truncate_trigger SET replicated = now() WHERE ctid = ANY (ARRAY(SELECT ctid {DeltaBacklog.TruncationsOf(table)}))";

    internal static string PendingKeys(TableInfo table) =>
        $"SELECT DISTINCT {string.Join(", ", table.Key.Select(column => "d." + SqlName.Quote(column)))} {DeltaBacklog.PendingFrom(CaptureNames.For(table))}";

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

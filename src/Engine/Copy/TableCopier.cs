using HerokuMigrator.Catalog;
using HerokuMigrator.Operations;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Copy;

/// <summary>Copies whole tables, each as it is at one moment, in one transaction of the target together with its checkpoint.</summary>
internal sealed class TableCopier(MigrationSession session)
{
    /// <summary>Tables side by side, where nothing was said: each keeps a core busy on either side.</summary>
    public static int DefaultJobs => Math.Clamp(Environment.ProcessorCount, 2, 8);

    public async Task CopyAsync(IReadOnlyList<TableInfo> tables, int alreadyCopied, CancellationToken cancellationToken)
    {
        if (tables.Count == 0)
        {
            return;
        }

        var total = tables.Count + alreadyCopied;
        var done = alreadyCopied;
        var transfer = new RowTransfer(session, await ReadFormatsAsync(tables, cancellationToken), new CopyPace(() => null));
        await Parallel.ForEachAsync(
            tables.OrderByDescending(table => table.Bytes),
            new ParallelOptions { MaxDegreeOfParallelism = session.StartOptions.Jobs is > 0 and var jobs ? jobs : DefaultJobs, CancellationToken = cancellationToken },
            async (table, token) =>
            {
                var rows = await CopyAsync(table, transfer, token);
                session.Events.Verbose($"Copied {table}: {rows} rows.");
                session.Events.Progress(new OperationProgress("Copying", $"{table}, {rows} rows", 100 * Interlocked.Increment(ref done) / Math.Max(1, total)));
            });
    }

    /// <summary>Replaces the table's content on the target by what the source has now; returns the number of rows.</summary>
    public async Task<long> CopyAsync(TableInfo table, RowTransfer transfer, CancellationToken cancellationToken)
    {
        try
        {
            await using var source = await session.Source.OpenConnectionAsync(cancellationToken);
            await using var target = await session.Target.OpenConnectionAsync(cancellationToken);
            var version = await StaleTables.ReadVersionAsync(source, table, cancellationToken);
            await using var transaction = await target.BeginTransactionAsync(cancellationToken);
            await PrepareAsync(session, target, cancellationToken);
            await EmptyAsync(target, table, cancellationToken);
            var (rows, bytes) = await transfer.RunAsync(source, target, table, null, table.Bytes, cancellationToken);
            await ChunkStore.ForgetAsync(target, table, cancellationToken);
            await StateStore.MarkCopiedAsync(target, table, rows, bytes, version, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            return rows;
        }
        catch (Exception exception) when (IsFailure(exception))
        {
            throw Failure(table, exception);
        }
    }

    public async Task<CopyFormats> ReadFormatsAsync(IReadOnlyList<TableInfo> tables, CancellationToken cancellationToken)
    {
        await using var source = await session.Source.OpenConnectionAsync(cancellationToken);
        await using var target = await session.Target.OpenConnectionAsync(cancellationToken);
        return await CopyFormats.ReadAsync(source, target, tables, cancellationToken);
    }

    /// <summary>Checks and generated columns are computed anew on the target, by functions that may rest on the application's settings.</summary>
    public static async Task PrepareAsync(MigrationSession session, NpgsqlConnection target, CancellationToken cancellationToken)
    {
        var settings = await session.ReadApplicationSettingsAsync(cancellationToken);
        await target.ExecuteAsync("SET LOCAL session_replication_role = replica; " + settings.SetLocal, cancellationToken);
    }

    public static bool IsFailure(Exception exception) => exception is NpgsqlException or IOException;

    public static MigrationException Failure(TableInfo table, Exception exception) =>
        exception is PostgresException { SqlState: PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn }
            ? Errors.SourceTableGone(table.QualifiedName)
            : Errors.CopyFailed(table.QualifiedName, exception);

    /// <summary>Where the session of a program that was killed is still copying into the table, this waits for the end of that.</summary>
    public static async Task EmptyAsync(NpgsqlConnection target, TableInfo table, CancellationToken cancellationToken)
    {
        await target.ExecuteAsync($"LOCK TABLE ONLY {table.QualifiedName} IN SHARE ROW EXCLUSIVE MODE", cancellationToken);
        if (!await target.ScalarAsync<bool>($"SELECT EXISTS (SELECT FROM ONLY {table.QualifiedName})", cancellationToken))
        {
            return;
        }

        var referenced = await target.ScalarAsync<bool>(
            "SELECT EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND confrelid = to_regclass($1) AND conrelid <> confrelid)", cancellationToken, table.QualifiedName);
        // TRUNCATE is refused where a foreign key points here, and CASCADE would empty the others.
        await target.ExecuteAsync((referenced ? "DELETE FROM ONLY " : "TRUNCATE ONLY ") + table.QualifiedName, cancellationToken);
    }
}

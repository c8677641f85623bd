using HerokuMigrator.Catalog;
using HerokuMigrator.Operations;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Copy;

/// <summary>Streams whole tables from the source to the target, each in one transaction of the target together with its checkpoint.</summary>
internal sealed class TableCopier(MigrationSession session)
{
    /// <summary>Tables side by side.</summary>
    private const int Jobs = 2;

    private const int BufferSize = 64 * 1024;

    public Task CopyAsync(IReadOnlyList<TableInfo> tables, int alreadyCopied, CancellationToken cancellationToken)
    {
        var total = tables.Count + alreadyCopied;
        var done = alreadyCopied;
        return Parallel.ForEachAsync(
            tables.OrderByDescending(table => table.Bytes),
            new ParallelOptions { MaxDegreeOfParallelism = Jobs, CancellationToken = cancellationToken },
            async (table, token) =>
            {
                var rows = await CopyAsync(table, token);
                session.Events.Verbose($"Copied {table}: {rows} rows.");
                session.Events.Progress(new OperationProgress("Copying", $"{table}, {rows} rows", 100 * Interlocked.Increment(ref done) / Math.Max(1, total)));
            });
    }

    /// <summary>Replaces the table's content on the target by what the source has now; returns the number of rows.</summary>
    public async Task<long> CopyAsync(TableInfo table, CancellationToken cancellationToken)
    {
        try
        {
            await using var source = await session.Source.OpenConnectionAsync(cancellationToken);
            await using var target = await session.Target.OpenConnectionAsync(cancellationToken);
            var version = await StaleTables.ReadVersionAsync(source, table, cancellationToken);
            await using var transaction = await target.BeginTransactionAsync(cancellationToken);
            // Checks and generated columns are computed anew here.
            var settings = await session.ReadApplicationSettingsAsync(cancellationToken);
            await target.ExecuteAsync("SET LOCAL session_replication_role = replica; " + settings.SetLocal, cancellationToken);
            await EmptyAsync(target, table, cancellationToken);
            var (rows, bytes) = await StreamAsync(source, target, table, cancellationToken);
            await StateStore.MarkCopiedAsync(target, table, rows, bytes, version, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            return rows;
        }
        catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn)
        {
            throw Errors.SourceTableGone(table.QualifiedName);
        }
        catch (Exception exception) when (exception is NpgsqlException or IOException)
        {
            throw Errors.CopyFailed(table.QualifiedName, exception);
        }
    }

    private static async Task EmptyAsync(NpgsqlConnection target, TableInfo table, CancellationToken cancellationToken)
    {
        var referenced = await target.ScalarAsync<bool>(
            "SELECT EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND confrelid = to_regclass($1) AND conrelid <> confrelid)", cancellationToken, table.QualifiedName);
        // TRUNCATE is refused where a foreign key points here, and CASCADE would empty the others.
        await target.ExecuteAsync((referenced ? "DELETE FROM ONLY " : "TRUNCATE ONLY ") + table.QualifiedName, cancellationToken);
    }

    private static async Task<(long Rows, long Bytes)> StreamAsync(NpgsqlConnection source, NpgsqlConnection target, TableInfo table, CancellationToken cancellationToken)
    {
        var columns = SqlName.List(table.CopiedColumns.Select(column => column.Name));
        if (columns.Length == 0)
        {
            return await CopyRowsWithoutColumnsAsync(source, target, table, cancellationToken);
        }

        using var reader = await source.BeginTextExportAsync($"COPY (SELECT {columns} FROM ONLY {table.QualifiedName}) TO STDOUT", cancellationToken);
        await using var writer = await target.BeginTextImportAsync($"COPY {table.QualifiedName} ({columns}) FROM STDIN", cancellationToken);
        // The bytes as they are: decoding them would take a first value's U+FEFF for a byte order mark, and drop it.
        var from = ((StreamReader)reader).BaseStream;
        var to = ((StreamWriter)writer).BaseStream;
        var buffer = new byte[BufferSize];
        long rows = 0, bytes = 0;
        int read;
        while ((read = await from.ReadAsync(buffer.AsMemory(), cancellationToken)) > 0)
        {
            // A line end inside a value is escaped in this format, so each one ends a row.
            rows += buffer.AsSpan(0, read).Count((byte)'\n');
            bytes += read;
            await to.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
        }

        return (rows, bytes);
    }

    /// <summary>A table may have no column at all, or only generated ones, and rows nevertheless.</summary>
    private static async Task<(long Rows, long Bytes)> CopyRowsWithoutColumnsAsync(NpgsqlConnection source, NpgsqlConnection target, TableInfo table, CancellationToken cancellationToken)
    {
        var rows = await source.ScalarAsync<long>($"SELECT count(*) FROM ONLY {table.QualifiedName}", cancellationToken);
        for (var row = 0L; row < rows; row++)
        {
            await target.ExecuteAsync($"INSERT INTO {table.QualifiedName} DEFAULT VALUES", cancellationToken);
        }

        return (rows, 0);
    }
}

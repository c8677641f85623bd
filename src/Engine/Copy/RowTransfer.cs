using HerokuMigrator.Catalog;
using HerokuMigrator.Operations;
using Npgsql;

namespace HerokuMigrator.Copy;

/// <summary>Streams rows of one table into the same table of the target, and accounts for them while they pass.</summary>
internal sealed class RowTransfer(MigrationSession session, CopyFormats formats, CopyPace pace)
{
    /// <summary>Of what was planned, this much at most is reported before the rows are there for good.</summary>
    private const double ReportedBeforeEnd = 0.98;

    /// <summary>How many bytes on the wire a byte of the table's files comes to; learned from what has passed.</summary>
    private double _wireShare = 0.8;

    /// <param name="source">A session on the source.</param>
    /// <param name="target">In a transaction of the caller.</param>
    /// <param name="table">Only its own rows, not those of tables that inherit from it.</param>
    /// <param name="condition">SQL that chooses rows; null: all.</param>
    /// <param name="plannedBytes">What the rows take on the source, for the progress.</param>
    /// <param name="cancellationToken">Ends it at once.</param>
    public async Task<(long Rows, long Bytes)> RunAsync(
        NpgsqlConnection source, NpgsqlConnection target, TableInfo table, string? condition, long plannedBytes, CancellationToken cancellationToken)
    {
        var columns = SqlName.List(table.CopiedColumns.Select(column => column.Name));
        if (columns.Length == 0)
        {
            return await CopyRowsWithoutColumnsAsync(source, target, table, cancellationToken);
        }

        var format = formats[table];
        var select = $"(SELECT {columns} FROM ONLY {table.QualifiedName}{(condition is null ? "" : " WHERE " + condition)})";
        var before = format == CopyFormat.Binary ? await InsertedAsync(target, table, cancellationToken) : 0;
        long rows = 0, bytes = 0, reported = 0;
        try
        {
            await CopyStream.RelayAsync(source, select, target, $"{table.QualifiedName} ({columns})", format, PassedAsync, cancellationToken);
        }
        catch
        {
            session.Meter.Retract(table, bytes, rows, reported);
            throw;
        }

        if (format == CopyFormat.Binary)
        {
            rows = await InsertedAsync(target, table, cancellationToken) - before;
            session.Meter.Advance(table, 0, rows, 0);
        }

        session.Meter.Advance(table, 0, 0, plannedBytes - reported);
        if (plannedBytes > 1_000_000)
        {
            _wireShare = (_wireShare + ((double)bytes / plannedBytes)) / 2;
        }

        return (rows, bytes);

        ValueTask PassedAsync(int count, int lines, CancellationToken token)
        {
            bytes += count;
            rows += lines;
            var share = (long)Math.Min(plannedBytes * ReportedBeforeEnd, bytes / Math.Max(_wireShare, 0.01));
            session.Meter.Advance(table, count, lines, Math.Max(0, share - reported));
            reported = Math.Max(reported, share);
            return pace.WaitAsync(count, token);
        }
    }

    /// <summary>Rows that this session has inserted and not handed in to the statistics yet; within a transaction it only grows.</summary>
    private static Task<long> InsertedAsync(NpgsqlConnection target, TableInfo table, CancellationToken cancellationToken) =>
        target.ScalarAsync<long>("SELECT pg_stat_get_xact_tuples_inserted(to_regclass($1))", cancellationToken, table.QualifiedName);

    /// <summary>A table may have no column at all, or only generated ones, and rows nevertheless.</summary>
    private static async Task<(long Rows, long Bytes)> CopyRowsWithoutColumnsAsync(
        NpgsqlConnection source, NpgsqlConnection target, TableInfo table, CancellationToken cancellationToken)
    {
        var rows = await source.ScalarAsync<long>($"SELECT count(*) FROM ONLY {table.QualifiedName}", cancellationToken);
        for (var row = 0L; row < rows; row++)
        {
            await target.ExecuteAsync($"INSERT INTO {table.QualifiedName} DEFAULT VALUES", cancellationToken);
        }

        return (rows, 0);
    }
}

using System.Globalization;
using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Capture;

/// <summary>Captured changes that are not on the target yet.</summary>
/// <param name="Rows">Rows of the delta tables without a mark of our sync, and truncations not replayed.</param>
/// <param name="OldestAgeSeconds">By the source's clock; 0 where nothing is pending.</param>
public sealed record Backlog(long Rows, double OldestAgeSeconds);

/// <summary>Measures and keeps the delta tables on the source.</summary>
internal sealed class DeltaBacklog(IReadOnlyList<TableInfo> replayedTables)
{
    /// <summary>Tables a statement: the plan of a union grows with its branches.</summary>
    private const int Batch = 50;

    /// <summary>
    /// Bytes of a table from which on its plans matter. Each ANALYZE has every session of the application look through all plans that it has cached:
    /// of 400 delta tables one after the other it held up writers for 0.7 to 1.7 s.
    /// </summary>
    private const int WorthAnalysing = 64 * 1024;

    private IEnumerable<CaptureNames> Names => replayedTables.Append(CaptureInstaller.Sentinel).Select(CaptureNames.For);

    public async Task<Backlog> MeasureAsync(NpgsqlConnection source, CancellationToken cancellationToken)
    {
        var rows = await source.ScalarAsync<long>("SELECT count(*) FROM bucardo.bucardo_truncate_trigger WHERE replicated IS NULL", cancellationToken);
        var oldest = 0d;
        foreach (var batch in Names.Chunk(Batch))
        {
            var sql = string.Join(" UNION ALL ", batch.Select(names =>
                $"SELECT count(*) AS rows, coalesce(extract(epoch FROM clock_timestamp() - min(d.{CaptureNames.CapturedAtColumn})), 0)::float8 AS age {PendingFrom(names)}"));
            var found = await source.ListAsync(
                $"SELECT coalesce(sum(rows), 0)::bigint, coalesce(max(age), 0) FROM ({sql}) pending", row => (row.GetInt64(0), row.GetDouble(1)), cancellationToken);
            rows += found[0].Item1;
            oldest = Math.Max(oldest, found[0].Item2);
        }

        return new Backlog(rows, oldest);
    }

    /// <summary>The proof of a drain: no change of any table is without its mark.</summary>
    public async Task<bool> IsEmptyAsync(NpgsqlConnection source, CancellationToken cancellationToken)
    {
        if (await source.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM bucardo.bucardo_truncate_trigger WHERE replicated IS NULL)", cancellationToken))
        {
            return false;
        }

        foreach (var batch in Names.Chunk(Batch))
        {
            var sql = string.Join(" OR ", batch.Select(names => $"EXISTS (SELECT {PendingFrom(names)})"));
            if (await source.ScalarAsync<bool>("SELECT " + sql, cancellationToken))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Tables of which a change has no mark, or a truncation is not replayed; the sentinel is among them where it was written.</summary>
    public async Task<IReadOnlyList<TableInfo>> FindPendingAsync(NpgsqlConnection source, CancellationToken cancellationToken)
    {
        List<TableInfo> pending = [];
        foreach (var batch in replayedTables.Append(CaptureInstaller.Sentinel).Chunk(Batch))
        {
            var sql = string.Join(" UNION ALL ", batch.Select((table, at) => string.Create(
                CultureInfo.InvariantCulture, $"SELECT {at} WHERE EXISTS (SELECT {PendingFrom(CaptureNames.For(table))}) OR EXISTS (SELECT {TruncationsOf(table)})")));
            pending.AddRange((await source.ListAsync(sql, row => row.GetInt32(0), cancellationToken)).Select(at => batch[at]));
        }

        return pending;
    }

    /// <summary>Removes what was replayed and refreshes the statistics of tables that hold many rows; returns the delta rows removed.</summary>
    public async Task<long> PurgeAsync(NpgsqlConnection source, CancellationToken cancellationToken)
    {
        var removed = 0L;
        foreach (var (names, isLarge) in await HoldingRowsAsync(source, cancellationToken))
        {
            var delta = CaptureNames.InBucardo(names.Delta);
            var track = CaptureNames.InBucardo(names.Track);
            await using var transaction = await source.BeginTransactionAsync(cancellationToken);
            removed += await source.ExecuteAsync(
                $"DELETE FROM {delta} d USING {track} t WHERE d.txntime = t.txntime AND t.target = '{CaptureNames.TrackTarget}'", cancellationToken);
            await source.ExecuteAsync($"DELETE FROM {track} t WHERE NOT EXISTS (SELECT FROM {delta} d WHERE d.txntime = t.txntime)", cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            if (isLarge)
            {
                await source.ExecuteAsync($"ANALYZE {delta}, {track}", cancellationToken);
            }
        }

        return removed;
    }

    private async Task<IReadOnlyList<(CaptureNames Names, bool IsLarge)>> HoldingRowsAsync(NpgsqlConnection source, CancellationToken cancellationToken)
    {
        var holding = new List<(CaptureNames, bool)>();
        foreach (var batch in Names.Chunk(Batch))
        {
            var sql = string.Join(" UNION ALL ", batch.Select((names, at) => string.Create(
                CultureInfo.InvariantCulture,
                $"""
                 SELECT {at}, pg_relation_size(to_regclass($2[{at + 1}])) + pg_relation_size(to_regclass($3[{at + 1}])) >= $1
                 WHERE EXISTS (SELECT FROM {CaptureNames.InBucardo(names.Track)}) OR EXISTS (SELECT FROM {CaptureNames.InBucardo(names.Delta)})
                 """)));
            var found = await source.ListAsync(
                sql, row => (At: row.GetInt32(0), IsLarge: row.GetBoolean(1)), cancellationToken,
                WorthAnalysing, batch.Select(names => CaptureNames.InBucardo(names.Delta)).ToArray(), batch.Select(names => CaptureNames.InBucardo(names.Track)).ToArray());
            holding.AddRange(found.OrderBy(one => one.At).Select(one => (batch[one.At], one.IsLarge)));
        }

        return holding;
    }

    /// <summary>Tables whose changes could not all be captured by key; they are copied whole under the fence.</summary>
    public static async Task<HashSet<(string Schema, string Table)>> ReadRecopyMarksAsync(NpgsqlConnection source, CancellationToken cancellationToken) =>
        [.. await source.ListAsync(
            "SELECT DISTINCT schema_name, table_name FROM heroku_migrator.recopy", row => (row.GetString(0), row.GetString(1)), cancellationToken)];

    /// <summary>Those whose delta tables may hold so many rows, by the size of their files.</summary>
    /// <param name="source">Where they are.</param>
    /// <param name="tables">Of these.</param>
    /// <param name="rows">At least so many, replayed or not.</param>
    /// <param name="rowBytes">What one takes at least.</param>
    /// <param name="counted">Also by the server's own count, which a crash takes away; a file stays large after its rows are gone.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<IReadOnlyList<TableInfo>> FindHoldingAsync(
        NpgsqlConnection source, IReadOnlyList<TableInfo> tables, long rows, int rowBytes, bool counted, CancellationToken cancellationToken)
    {
        var found = (await source.ListAsync(
            """
            SELECT c.relname FROM pg_class c
            WHERE c.relnamespace = to_regnamespace('bucardo') AND c.relkind = 'r' AND c.relname = ANY ($1)
              AND pg_relation_size(c.oid) >= $2 AND (NOT $3 OR pg_stat_get_live_tuples(c.oid) >= $4)
            """,
            row => row.GetString(0), cancellationToken, tables.Select(table => CaptureNames.For(table).Delta).ToArray(), rows * rowBytes, counted, rows)).ToHashSet(StringComparer.Ordinal);
        return found.Count == 0 ? [] : [.. tables.Where(table => found.Contains(CaptureNames.For(table).Delta))];
    }

    /// <param name="source">Where it is.</param>
    /// <param name="table">Whose pending rows are counted.</param>
    /// <param name="most">No further than this; null: all.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static Task<long> CountPendingAsync(NpgsqlConnection source, TableInfo table, long? most, CancellationToken cancellationToken) =>
        source.ScalarAsync<long>($"SELECT count(*) FROM (SELECT {PendingFrom(CaptureNames.For(table))} LIMIT $1) pending", cancellationToken, (object?)most ?? DBNull.Value);

    /// <summary>Truncations of one table that are not replayed.</summary>
    internal static string TruncationsOf(TableInfo table) => string.Create(
        CultureInfo.InvariantCulture, $"FROM bucardo.bucardo_truncate_trigger WHERE tablename = {table.Oid}::oid AND replicated IS NULL");

    internal static string PendingFrom(CaptureNames names) => string.Create(
        CultureInfo.InvariantCulture,
        $"FROM {CaptureNames.InBucardo(names.Delta)} d WHERE NOT EXISTS (SELECT FROM {CaptureNames.InBucardo(names.Track)} t WHERE d.txntime = t.txntime AND t.target = '{CaptureNames.TrackTarget}')");
}

using HerokuMigrator.Catalog;
using HerokuMigrator.Operations;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Copy;

/// <summary>What is to be copied of one table: chunks, or all of it in one transaction.</summary>
/// <param name="Chunks">Those that are not there yet; empty where the table is copied whole.</param>
/// <param name="SourceFile">The file that the chunks are ranges of; null where it is copied whole.</param>
/// <param name="ToastRows">Pieces of long values that the table keeps beside its rows, about.</param>
internal sealed record TableCopyPlan(TableInfo Table, IReadOnlyList<CopyChunk> Chunks, string? SourceFile, long BytesTotal, long BytesDone, long RowsDone, long ToastRows = 0);

/// <summary>
/// Cuts large tables into ranges of blocks. Only those whose every change is captured by key, on a server that scans such ranges, and only into tables
/// without indexes: until its captured rows are taken out (see <see cref="CapturedDuplicates"/>) such a copy may hold a row twice.
/// </summary>
internal sealed class CopyPlanner(MigrationSession session)
{
    /// <summary>Small enough that a snapshot of the source lives for seconds and that all streams end at about the same time; large enough that its fixed cost does not count.</summary>
    private const long SmallestChunk = 64 * 1024 * 1024;

    private const long LargestChunk = 1024L * 1024 * 1024;

    /// <summary>A table has no more chunks than that unless they would be too large.</summary>
    private const int ManyChunks = 1000;

    private const int FirstServerWithRangeScans = 140000;

    private const string SourceSql = """
        SELECT c.oid, coalesce(pg_relation_size(c.oid), 0) / current_setting('block_size')::bigint, coalesce(pg_table_size(c.oid), 0)
        FROM pg_class c JOIN pg_am am ON am.oid = c.relam WHERE c.oid = ANY ($1::bigint[]::oid[]) AND am.amname = 'heap'
        """;

    private const string IndexedSql = """
        SELECT n.nspname, c.relname FROM unnest($1::text[], $2::text[]) wanted(schema_name, table_name)
        JOIN pg_namespace n ON n.nspname = wanted.schema_name JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.table_name
        WHERE EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid)
        """;

    /// <summary>A TOAST table that was never vacuumed tells no rows; its pieces are of 2 kB, or smaller.</summary>
    private const string ToastSql = """
        SELECT c.oid, CASE WHEN t.reltuples >= 0 THEN t.reltuples::bigint ELSE pg_relation_size(t.oid) / 2000 END
        FROM pg_class c JOIN pg_class t ON t.oid = c.reltoastrelid WHERE c.oid = ANY ($1::bigint[]::oid[])
        """;

    /// <summary>Largest first. What an earlier run has begun goes on by its own chunks.</summary>
    public async Task<IReadOnlyList<TableCopyPlan>> PlanAsync(IReadOnlyList<TableInfo> pending, CancellationToken cancellationToken)
    {
        await using var source = await session.OpenSourceAsync(cancellationToken);
        await using var target = await session.OpenTargetAsync(cancellationToken);
        var candidates = pending.Where(table => table.Mode == TransferMode.Replayed && table.CopiedColumns.Any()).ToList();
        var sizes = await ReadSizesAsync(source, candidates, cancellationToken);
        var indexed = (await target.ListAsync(
            IndexedSql, row => (row.GetString(0), row.GetString(1)), cancellationToken,
            candidates.Select(table => table.Schema).ToArray(), candidates.Select(table => table.Name).ToArray())).ToHashSet();
        var toast = (await source.ListAsync(
            ToastSql, row => (Oid: row.GetFieldValue<uint>(0), Rows: row.GetInt64(1)), cancellationToken, pending.Select(table => (long)table.Oid).ToArray())).ToDictionary(row => row.Oid, row => row.Rows);
        var begun = await ChunkStore.ReadAsync(target, pending, cancellationToken);
        var plans = new List<TableCopyPlan>();
        foreach (var table in pending)
        {
            plans.Add(sizes.TryGetValue(table.Oid, out var size) && !indexed.Contains((table.Schema, table.Name))
                ? await PlanAsync(source, target, table, size.Blocks, size.Bytes, [.. begun[table]], cancellationToken)
                : Whole(table));
        }

        return [.. plans.Select(plan => plan with { ToastRows = toast.GetValueOrDefault(plan.Table.Oid) }).OrderByDescending(plan => plan.BytesTotal - plan.BytesDone)];
    }

    private static TableCopyPlan Whole(TableInfo table) => new(table, [], null, table.Bytes, 0, 0);

    private static async Task<Dictionary<uint, (long Blocks, long Bytes)>> ReadSizesAsync(
        NpgsqlConnection source, IReadOnlyList<TableInfo> candidates, CancellationToken cancellationToken)
    {
        if (await source.ScalarAsync<int>("SELECT current_setting('server_version_num')::integer", cancellationToken) < FirstServerWithRangeScans)
        {
            return [];
        }

        return (await source.ListAsync(
            SourceSql, row => (Oid: row.GetFieldValue<uint>(0), Blocks: row.GetInt64(1), Bytes: row.GetInt64(2)), cancellationToken,
            candidates.Select(table => (long)table.Oid).ToArray())).ToDictionary(row => row.Oid, row => (row.Blocks, row.Bytes));
    }

    private async Task<TableCopyPlan> PlanAsync(
        NpgsqlConnection source, NpgsqlConnection target, TableInfo table, long blocks, long bytes, IReadOnlyList<ChunkRow> begun, CancellationToken cancellationToken)
    {
        var size = session.StartOptions.ChunkBytes ?? Math.Clamp(bytes / ManyChunks, SmallestChunk, LargestChunk);
        if (begun.Count == 0 && bytes < 2 * size)
        {
            return Whole(table);
        }

        // Read before any row is: a change of the columns between the two comes to one copy too many.
        var version = await StaleTables.ReadVersionAsync(source, table, cancellationToken) ?? throw Errors.SourceTableGone(table.QualifiedName);
        if (begun.Count > 0 && begun[0].SourceFile == ChunkStore.FileOf(version))
        {
            return new TableCopyPlan(
                table, [.. begun.Where(row => !row.Copied).Select(row => row.Chunk)], begun[0].SourceFile, begun.Sum(row => row.Chunk.PlannedBytes),
                begun.Where(row => row.Copied).Sum(row => row.Chunk.PlannedBytes), begun.Sum(row => row.Rows));
        }

        var chunks = CopyChunk.Plan(table, blocks, bytes, size);
        await using var transaction = await target.BeginTransactionAsync(cancellationToken);
        await TableCopier.EmptyAsync(target, table, cancellationToken);
        await ChunkStore.PlanAsync(target, table, version, chunks, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return new TableCopyPlan(table, chunks, ChunkStore.FileOf(version), bytes, 0, 0);
    }
}

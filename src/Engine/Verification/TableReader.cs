using System.Numerics;
using HerokuMigrator.Catalog;

namespace HerokuMigrator.Verification;

/// <summary>
/// Reads one table on one side. What has no bounds of keys and is large is read by ranges of blocks, each side by its own, so that no snapshot lives long;
/// a row that an UPDATE moves meanwhile may be met twice or not at all, which shows as a difference and is looked at again by its key.
/// </summary>
internal sealed class TableReader(ComparisonSide side, ComparisonSql sql, long chunkBytes)
{
    private IReadOnlyList<string>? _ranges;

    public async Task<RowSum> SumAsync(ComparedChunk chunk, CancellationToken cancellationToken)
    {
        var parts = await AllAsync(chunk, sql.Sum, row => RowSum.Of(row.GetInt64(0), row.GetString(1)), [], cancellationToken);
        return parts.Aggregate(new RowSum(0, BigInteger.Zero), (sum, part) => sum + part);
    }

    public async Task<Dictionary<int, RowSum>> SumOfBucketsAsync(ComparedChunk chunk, int buckets, CancellationToken cancellationToken)
    {
        var parts = await AllAsync(chunk, condition => sql.SumOfBuckets(buckets, condition), row => (Bucket: row.GetInt32(0), Sum: RowSum.Of(row.GetInt64(1), row.GetString(2))), [], cancellationToken);
        var sums = new Dictionary<int, RowSum>();
        foreach (var (bucket, sum) in parts)
        {
            sums[bucket] = sums.GetValueOrDefault(bucket) + sum;
        }

        return sums;
    }

    public Task<List<(RowKey Key, long Hash)>> RowsOfBucketsAsync(ComparedChunk chunk, int buckets, int[] wanted, CancellationToken cancellationToken) =>
        AllAsync(
            chunk, condition => sql.RowsOfBuckets(buckets, condition), row => (new RowKey(row.GetFieldValue<string[]>(0)), row.GetInt64(1)), [wanted], cancellationToken);

    private async Task<List<T>> AllAsync<T>(
        ComparedChunk chunk, Func<string, string> statement, Func<Npgsql.NpgsqlDataReader, T> read, object[] parameters, CancellationToken cancellationToken)
    {
        var ranges = chunk.IsWholeTable && chunk.Bytes > 2 * chunkBytes && side.ScansRangesOfBlocks ? _ranges ??= await ReadRangesAsync(cancellationToken) : [sql.ConditionOf(chunk)];
        var parts = await Task.WhenAll(ranges.Select(condition => side.QueryAsync(statement(condition), read, byKey: false, cancellationToken, parameters)));
        return parts.Length == 1 ? parts[0] : [.. parts.SelectMany(part => part)];
    }

    /// <summary>The last one has no end: the table may grow.</summary>
    private async Task<IReadOnlyList<string>> ReadRangesAsync(CancellationToken cancellationToken)
    {
        var size = (await side.QueryAsync(
            "SELECT pg_relation_size(c.oid) / current_setting('block_size')::bigint, pg_table_size(c.oid) FROM pg_class c JOIN pg_am am ON am.oid = c.relam WHERE c.oid = to_regclass($1) AND am.amname = 'heap'",
            row => (Blocks: row.GetInt64(0), Bytes: row.GetInt64(1)), byKey: false, cancellationToken, sql.Table.QualifiedName)).SingleOrDefault();
        var parts = Math.Clamp(size.Bytes / chunkBytes, 1, Math.Max(1, size.Blocks));
        return
        [
            .. Enumerable.Range(0, (int)parts).Select(part => ComparisonSql.ConditionOfBlocks(
                (long)((decimal)size.Blocks * part / parts), part == parts - 1 ? null : (long)((decimal)size.Blocks * (part + 1) / parts))),
        ];
    }
}

using System.Numerics;

namespace HerokuMigrator.Verification;

/// <summary>What the first looks at a chunk found.</summary>
/// <param name="Suspects">Keys whose rows were not the same when each side was read; that may be a lag and nothing else.</param>
/// <param name="Hashes">Without a key: how many rows more of each hash the source has than the target; less than none where it is the other way round.</param>
/// <param name="IsCutShort">More differ than were looked at.</param>
internal sealed record ChunkFindings(long SourceRows, long TargetRows, IReadOnlyList<RowKey> Suspects, IReadOnlyDictionary<long, long> Hashes, bool IsCutShort)
{
    public bool IsClean => Suspects.Count == 0 && Hashes.Count == 0 && !IsCutShort;
}

/// <summary>Both sides of a chunk side by side: as a whole, then by buckets of keys, then row by row in the buckets that differ.</summary>
internal sealed class ChunkComparer(TableReader source, TableReader target, bool hasKey, int mostSuspects)
{
    /// <summary>What fits into memory of the rows that differ; one batch of buckets may have more by itself.</summary>
    private const long RowsABatch = 200_000;

    private const int RowsABucket = 32;
    private const int MostBuckets = 65_536;

    public async Task<ChunkFindings> CompareAsync(ComparedChunk chunk, CancellationToken cancellationToken)
    {
        var (left, right) = await BothAsync(reader => reader.SumAsync(chunk, cancellationToken));
        if (left == right)
        {
            return new ChunkFindings(left.Rows, right.Rows, [], new Dictionary<long, long>(), IsCutShort: false);
        }

        var buckets = (int)Math.Min(MostBuckets, BitOperations.RoundUpToPowerOf2((ulong)(Math.Max(left.Rows, right.Rows) / RowsABucket) + 1));
        var (leftSums, rightSums) = await BothAsync(reader => reader.SumOfBucketsAsync(chunk, buckets, cancellationToken));
        var differing = leftSums.Keys.Union(rightSums.Keys).Where(bucket => leftSums.GetValueOrDefault(bucket) != rightSums.GetValueOrDefault(bucket)).Order().ToList();
        var suspects = new List<RowKey>();
        var hashes = new Dictionary<long, long>();
        foreach (var batch in Batches(differing, bucket => Math.Max(leftSums.GetValueOrDefault(bucket).Rows, rightSums.GetValueOrDefault(bucket).Rows)))
        {
            if (suspects.Count + hashes.Count >= mostSuspects)
            {
                return new ChunkFindings(left.Rows, right.Rows, suspects, hashes, IsCutShort: true);
            }

            var (leftRows, rightRows) = await BothAsync(reader => reader.RowsOfBucketsAsync(chunk, buckets, batch, cancellationToken));
            if (hasKey)
            {
                suspects.AddRange(FindSuspects(leftRows, rightRows));
            }
            else
            {
                CountHashes(leftRows, rightRows, hashes);
            }
        }

        var cut = suspects.Count > mostSuspects;
        return new ChunkFindings(left.Rows, right.Rows, cut ? suspects.GetRange(0, mostSuspects) : suspects, hashes, cut);
    }

    private async Task<(T Source, T Target)> BothAsync<T>(Func<TableReader, Task<T>> read)
    {
        var both = await Task.WhenAll(read(source), read(target));
        return (both[0], both[1]);
    }

    private static IEnumerable<int[]> Batches(List<int> buckets, Func<int, long> rowsOf)
    {
        var batch = new List<int>();
        var rows = 0L;
        foreach (var bucket in buckets)
        {
            batch.Add(bucket);
            rows += rowsOf(bucket);
            if (rows >= RowsABatch)
            {
                yield return [.. batch];
                batch.Clear();
                rows = 0;
            }
        }

        if (batch.Count > 0)
        {
            yield return [.. batch];
        }
    }

    private static IEnumerable<RowKey> FindSuspects(List<(RowKey Key, long Hash)> left, List<(RowKey Key, long Hash)> right)
    {
        // A row may have been met twice while it moved.
        var rest = new Dictionary<RowKey, long>();
        foreach (var (key, hash) in right)
        {
            rest[key] = hash;
        }

        var seen = new HashSet<RowKey>();
        foreach (var (key, hash) in left.Where(row => seen.Add(row.Key)))
        {
            if (!rest.Remove(key, out var other) || other != hash)
            {
                yield return key;
            }
        }

        foreach (var key in rest.Keys)
        {
            yield return key;
        }
    }

    private static void CountHashes(List<(RowKey Key, long Hash)> left, List<(RowKey Key, long Hash)> right, Dictionary<long, long> hashes)
    {
        foreach (var (rows, step) in new[] { (left, 1), (right, -1) })
        {
            foreach (var (_, hash) in rows)
            {
                hashes[hash] = hashes.GetValueOrDefault(hash) + step;
            }
        }

        foreach (var (hash, _) in hashes.Where(entry => entry.Value == 0).ToList())
        {
            hashes.Remove(hash);
        }
    }
}

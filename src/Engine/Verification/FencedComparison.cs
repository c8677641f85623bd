using System.Collections.Concurrent;
using System.Diagnostics;
using HerokuMigrator.Catalog;
using HerokuMigrator.Operations;
using Npgsql;

namespace HerokuMigrator.Verification;

/// <summary>
/// Compares as much as a budget of milliseconds allows, under the fence, where nothing is pending and nothing changes: the newest keys of each table first,
/// the tables that are written most before the others. What differs there, differs.
/// </summary>
internal sealed class FencedComparison : IAsyncDisposable
{
    /// <summary>Small, as what was begun is finished.</summary>
    private const long ChunkBytes = 4 * 1024 * 1024;

    private const int Jobs = 2;

    private readonly IReadOnlyList<ComparedTable> _tables;
    private readonly NpgsqlDataSource _target;
    private readonly ComparisonSides _sides;

    private FencedComparison(IReadOnlyList<ComparedTable> tables, NpgsqlDataSource target, ComparisonSides sides) => (_tables, _target, _sides) = (tables, target, sides);

    /// <summary>Before the fence: which parts, in which order.</summary>
    public static async Task<FencedComparison> PlanAsync(MigrationSession session, IReadOnlyList<TableInfo> tables, CancellationToken cancellationToken)
    {
        await using var source = await session.OpenSourceAsync(cancellationToken);
        var planned = await new ComparisonPlanner(new ComparisonOptions { ChunkBytes = ChunkBytes }).PlanAsync(source, tables, cancellationToken);
        var writes = (await source.ListAsync(
            "SELECT relid, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables", row => (Oid: row.GetFieldValue<uint>(0), Writes: row.GetInt64(1)), cancellationToken))
            .ToDictionary(row => row.Oid, row => row.Writes);
        // What could not be cut takes too long.
        IReadOnlyList<ComparedTable> parts =
            [.. planned.Where(table => table.Chunks.Max(chunk => chunk.Bytes) <= 2 * ChunkBytes).OrderByDescending(table => writes.GetValueOrDefault(table.Table.Oid))];
        var target = session.CreateTargetReader();
        try
        {
            await WarmAsync(target, cancellationToken);
            return new FencedComparison(parts, target, await ComparisonSides.OpenAsync(session, target, Jobs, cancellationToken));
        }
        catch
        {
            await target.DisposeAsync();
            throw;
        }
    }

    /// <summary>A session takes some ten milliseconds to be made, which none under the fence shall.</summary>
    private static async Task WarmAsync(NpgsqlDataSource target, CancellationToken cancellationToken)
    {
        foreach (var connection in await Task.WhenAll(Enumerable.Range(0, Jobs).Select(_ => target.OpenConnectionAsync(cancellationToken).AsTask())))
        {
            await connection.DisposeAsync();
        }
    }

    /// <summary>Throws where a table differs; returns what was compared.</summary>
    public async Task<IReadOnlyList<TableSample>> RunAsync(TimeSpan budget, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var longest = 0L;
        var sums = new ConcurrentDictionary<ComparedTable, ConcurrentBag<RowSum>>();
        await Parallel.ForEachAsync(
            InOrder().TakeWhile(_ => clock.Elapsed + TimeSpan.FromTicks(Interlocked.Read(ref longest)) < budget),
            new ParallelOptions { MaxDegreeOfParallelism = Jobs, CancellationToken = cancellationToken },
            async (part, token) =>
            {
                var (sql, begun) = (new ComparisonSql(part.Table.Table), clock.Elapsed);
                var both = await Task.WhenAll(
                    new TableReader(_sides.Source, sql, ChunkBytes).SumAsync(part.Chunk, token), new TableReader(_sides.Target, sql, ChunkBytes).SumAsync(part.Chunk, token));
                if (both[0] != both[1])
                {
                    throw Errors.DiffersUnderFence(part.Table.Table.QualifiedName, both[0].Rows, both[1].Rows);
                }

                InterlockedMax(ref longest, (clock.Elapsed - begun).Ticks);
                sums.GetOrAdd(part.Table, _ => []).Add(both[0]);
            });
        return
        [
            .. sums.Select(entry => (Table: entry.Key, Parts: entry.Value.Count, Sum: entry.Value.Aggregate((sum, part) => sum + part)))
                .Select(entry => new TableSample(entry.Table.Table.QualifiedName, entry.Table.Chunks.Count, entry.Parts, entry.Sum.Rows, entry.Sum.Hash.ToString(System.Globalization.CultureInfo.InvariantCulture)))
                .OrderBy(sample => sample.Table, StringComparer.Ordinal),
        ];
    }

    /// <summary>The next one may take as long.</summary>
    private static void InterlockedMax(ref long most, long value)
    {
        for (var seen = Interlocked.Read(ref most); value > seen; seen = Interlocked.Read(ref most))
        {
            Interlocked.CompareExchange(ref most, value, seen);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _sides.DisposeAsync();
        await _target.DisposeAsync();
    }

    /// <summary>One part of every table, then the next one of every table that has more.</summary>
    private IEnumerable<(ComparedTable Table, ComparedChunk Chunk)> InOrder()
    {
        for (var fromEnd = 1; _tables.Any(table => table.Chunks.Count >= fromEnd); fromEnd++)
        {
            foreach (var table in _tables.Where(table => table.Chunks.Count >= fromEnd))
            {
                yield return (table, table.Chunks[^fromEnd]);
            }
        }
    }
}

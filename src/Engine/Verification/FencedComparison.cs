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

    /// <summary>Twice that where somebody's lock is in the way.</summary>
    private static readonly TimeSpan LongestWarmUp = TimeSpan.FromSeconds(1);

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
            return new FencedComparison(parts, target, await ComparisonSides.OpenAsync(session, target, Jobs, cancellationToken));
        }
        catch
        {
            await target.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Before the fence: reads what is compared first, as the first look at a table costs a session several times as much as the next one. What it finds says nothing yet,
    /// and whatever is in its way is met again later, or gone by then.
    /// </summary>
    public async Task WarmUpAsync(TimeSpan budget, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(2 * LongestWarmUp);
        try
        {
            await ReadAsync(budget < LongestWarmUp ? budget : LongestWarmUp, static (_, _, _) => { }, limit.Token);
        }
        catch (Exception exception) when (exception is NpgsqlException or IOException || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // Nothing depends on it.
        }
    }

    /// <summary>Throws where a table differs; returns what was compared.</summary>
    public async Task<IReadOnlyList<TableSample>> RunAsync(TimeSpan budget, CancellationToken cancellationToken)
    {
        var sums = new ConcurrentDictionary<ComparedTable, ConcurrentBag<RowSum>>();
        await ReadAsync(
            budget,
            (table, source, target) =>
            {
                if (source != target)
                {
                    throw Errors.DiffersUnderFence(table.Table.QualifiedName, source.Rows, target.Rows);
                }

                sums.GetOrAdd(table, _ => []).Add(source);
            },
            cancellationToken);
        return
        [
            .. sums.Select(entry => (Table: entry.Key, Parts: entry.Value.Count, Sum: entry.Value.Aggregate((sum, part) => sum + part)))
                .Select(entry => new TableSample(entry.Table.Table.QualifiedName, entry.Table.Chunks.Count, entry.Parts, entry.Sum.Rows, entry.Sum.Hash.ToString(System.Globalization.CultureInfo.InvariantCulture)))
                .OrderBy(sample => sample.Table, StringComparer.Ordinal),
        ];
    }

    /// <summary>As many parts as the budget allows, the source's sum and the target's of each.</summary>
    private async Task ReadAsync(TimeSpan budget, Action<ComparedTable, RowSum, RowSum> onRead, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var longest = 0L;
        await Parallel.ForEachAsync(
            InOrder().TakeWhile(_ => clock.Elapsed + TimeSpan.FromTicks(Interlocked.Read(ref longest)) < budget),
            new ParallelOptions { MaxDegreeOfParallelism = Jobs, CancellationToken = cancellationToken },
            async (part, token) =>
            {
                var (sql, begun) = (new ComparisonSql(part.Table.Table), clock.Elapsed);
                var both = await Task.WhenAll(
                    new TableReader(_sides.Source, sql, ChunkBytes).SumAsync(part.Chunk, token), new TableReader(_sides.Target, sql, ChunkBytes).SumAsync(part.Chunk, token));
                onRead(part.Table, both[0], both[1]);
                InterlockedMax(ref longest, (clock.Elapsed - begun).Ticks);
            });
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

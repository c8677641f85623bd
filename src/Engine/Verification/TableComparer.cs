using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using HerokuMigrator.Catalog;
using HerokuMigrator.Operations;
using Npgsql;

namespace HerokuMigrator.Verification;

/// <summary>Both sides, and what is told of how far the comparison is.</summary>
/// <param name="ChunkDone">Called for each chunk.</param>
internal sealed record ComparisonContext(
    MigrationSession Session, ComparisonOptions Options, ComparisonSide Source, ComparisonSide Target, ComparisonDoubts Doubts, Func<ComparedTable, ComparedChunk, ChunkFindings, Task> ChunkDone);

/// <summary>One table from its chunks to its result.</summary>
internal sealed class TableComparer(ComparisonContext context, ComparedTable compared)
{
    private const int MostShown = 100;

    /// <summary>Rows that differ are looked at up to here; a repair goes on with the next ones afterwards.</summary>
    private const int MostSuspects = 20_000;

    /// <summary>At a table of which more rows are behind than can be looked at.</summary>
    private const int MostLooks = 4;

    private readonly ComparisonSql _sql = new(compared.Table);
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private long _sourceRows;
    private long _targetRows;

    /// <summary>Rows that differ, of those that were looked at.</summary>
    private sealed record Outcome(IReadOnlyList<ConfirmedRow> Confirmed, int Unsettled, IReadOnlyDictionary<long, long> Hashes, bool IsCutShort)
    {
        public long Differing => Confirmed.Count + Hashes.Values.Sum(Math.Abs);
    }

    private bool HasKey => _sql.HasKey;

    /// <param name="done">Rows of the chunks that an interrupted comparison had found equal, by their numbers.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<DataComparison> CompareAsync(IReadOnlyDictionary<int, long> done, CancellationToken cancellationToken)
    {
        try
        {
            var outcome = await LookAsync(done, cancellationToken);
            for (var look = 1; outcome is { IsCutShort: true, Differing: 0 } && look < MostLooks; look++)
            {
                // Behind by more rows than were looked at.
                outcome = await LookAsync(new Dictionary<int, long>(), cancellationToken);
            }

            var differences = HasKey
                ? await new DifferenceReader(context.Source, context.Target, _sql).ReadAsync([.. outcome.Confirmed.Take(MostShown)], cancellationToken)
                : await new DifferenceReader(context.Source, context.Target, _sql).ReadByHashAsync(outcome.Hashes, MostShown, cancellationToken);
            if (outcome.Differing == 0)
            {
                return outcome is { Unsettled: 0, IsCutShort: false }
                    ? Result(ComparisonOutcome.Equal)
                    : Result(ComparisonOutcome.Unproven, "rows were changed, or waited to be replayed, each time that they were looked at") with { RowsUnsettled = outcome.Unsettled };
            }

            var result = await context.Doubts.WeighAsync(
                compared.Table,
                Result(ComparisonOutcome.Different, outcome.IsCutShort ? "more rows differ than were looked at" : "") with
                {
                    RowsDiffering = outcome.Differing, Differences = differences, RowsUnsettled = outcome.Unsettled,
                },
                cancellationToken);
            return context.Options.Repair && result.Outcome == ComparisonOutcome.Different ? await RepairAsync(outcome, differences, cancellationToken) : result;
        }
        catch (PostgresException exception) when (IsOfTable(exception))
        {
            return Result(ComparisonOutcome.Unproven, $"a server refused to read it: {exception.MessageText} ({exception.SqlState})");
        }
    }

    private static bool IsOfTable(PostgresException exception) =>
        exception.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn or PostgresErrorCodes.UndefinedObject or PostgresErrorCodes.InvalidSchemaName
            or PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.ProgramLimitExceeded or PostgresErrorCodes.OutOfMemory
            or PostgresErrorCodes.DataCorrupted or PostgresErrorCodes.InternalError
        || exception.SqlState.StartsWith("22", StringComparison.Ordinal);

    private async Task<Outcome> LookAsync(IReadOnlyDictionary<int, long> done, CancellationToken cancellationToken)
    {
        _sourceRows = _targetRows = done.Values.Sum();
        var comparer = new ChunkComparer(
            new TableReader(context.Source, _sql, context.Options.ChunkBytes), new TableReader(context.Target, _sql, context.Options.ChunkBytes), HasKey, MostSuspects);
        var all = new ConcurrentBag<ChunkFindings>();
        await Parallel.ForEachAsync(
            compared.Chunks.Where(chunk => compared.Selected.Contains(chunk.Number) && !done.ContainsKey(chunk.Number)),
            new ParallelOptions { MaxDegreeOfParallelism = context.Options.Jobs, CancellationToken = cancellationToken },
            async (chunk, token) =>
            {
                var findings = await comparer.CompareAsync(chunk, token);
                all.Add(findings);
                Interlocked.Add(ref _sourceRows, findings.SourceRows);
                Interlocked.Add(ref _targetRows, findings.TargetRows);
                await context.ChunkDone(compared, chunk, findings);
            });
        // A row whose key was changed may be suspected twice.
        var suspects = all.SelectMany(findings => findings.Suspects).Distinct().ToList();
        var settled = await SettleAsync(suspects, cancellationToken);
        return new Outcome(
            settled.Confirmed, settled.Unsettled.Count, all.SelectMany(findings => findings.Hashes).ToDictionary(entry => entry.Key, entry => entry.Value), all.Any(findings => findings.IsCutShort));
    }

    private async Task<Settlement> SettleAsync(IReadOnlyList<RowKey> suspects, CancellationToken cancellationToken) => suspects.Count == 0
        ? new Settlement([], [])
        : await new RowSettler(context.Source, context.Target, _sql, context.Options.Patience).SettleAsync(suspects, cancellationToken);

    private async Task<DataComparison> RepairAsync(Outcome found, IReadOnlyList<DataDifference> differences, CancellationToken cancellationToken)
    {
        var repair = new RowRepair(context.Session);
        if (!HasKey)
        {
            await repair.CopyUnderFenceAsync(_sql, cancellationToken);
            return Result(ComparisonOutcome.Different, "it has no usable key; the switch copies it again") with { RowsDiffering = found.Differing, Differences = differences };
        }

        long differing = 0, repaired = 0;
        var left = new HashSet<RowKey>();
        for (var outcome = found; ; outcome = await LookAsync(new Dictionary<int, long>(), cancellationToken))
        {
            differing += outcome.Differing;
            await repair.ReplayAsync(_sql, [.. outcome.Confirmed.Select(row => row.Key)], cancellationToken);
            var again = await SettleAsync([.. outcome.Confirmed.Select(row => row.Key)], cancellationToken);
            left.UnionWith(again.Confirmed.Select(row => row.Key).Concat(again.Unsettled));
            repaired += outcome.Differing - again.Confirmed.Count - again.Unsettled.Count;
            if (!outcome.IsCutShort || left.Count > 0)
            {
                var result = Repaired(differing, repaired, outcome.IsCutShort, Math.Max(found.Unsettled, again.Unsettled.Count)) with
                {
                    Differences = [.. differences.Select((difference, at) => difference with { Repaired = !left.Contains(found.Confirmed[at].Key) })],
                };
                // A key that capture would not take has marked the table to be copied again.
                return result.Outcome == ComparisonOutcome.Different ? await context.Doubts.WeighAsync(compared.Table, result, cancellationToken) : result;
            }
        }
    }

    private DataComparison Repaired(long differing, long repaired, bool isCutShort, int unsettled) =>
        (repaired == differing && !isCutShort
            ? unsettled == 0 ? Result(ComparisonOutcome.Repaired) : Result(ComparisonOutcome.Unproven, "rows were changed, or waited to be replayed, each time that they were looked at")
            : Result(ComparisonOutcome.Different, string.Create(CultureInfo.InvariantCulture, $"the repair left {differing - repaired} rows that differ{(isCutShort ? ", and more were not looked at" : "")}")))
        with { RowsDiffering = differing, RowsRepaired = repaired, RowsUnsettled = unsettled };

    private DataComparison Result(ComparisonOutcome outcome, string detail = "") => new()
    {
        Name = context.Session.Name,
        Table = compared.Table.QualifiedName,
        Outcome = outcome,
        Detail = detail,
        SourceRows = _sourceRows,
        TargetRows = _targetRows,
        Chunks = compared.Chunks.Count,
        ChunksCompared = compared.Selected.Count,
        Bytes = compared.Chunks.Where(chunk => compared.Selected.Contains(chunk.Number)).Sum(chunk => chunk.Bytes),
        Seconds = _clock.Elapsed.TotalSeconds,
        ComparedAt = DateTimeOffset.UtcNow,
    };
}

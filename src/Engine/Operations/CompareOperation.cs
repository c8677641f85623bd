using System.Globalization;
using System.Security.Cryptography;
using HerokuMigrator.Catalog;
using HerokuMigrator.State;
using HerokuMigrator.Verification;

namespace HerokuMigrator.Operations;

/// <summary>Compares the content of both sides, table by table. It reads only, but for a repair and for what the state on the target keeps of it.</summary>
internal sealed class CompareOperation(MigrationSession session, ComparisonOptions options)
{
    private const string Activity = "Comparing both sides";
    private static readonly TimeSpan ResumableFor = TimeSpan.FromHours(1);

    private readonly ComparisonStore _store = new(session.Target);
    private readonly HashSet<uint> _uncopied = [];
    private long _bytesDone;
    private long _bytesTotal;
    private int _differing;

    /// <summary>What is compared, and what was compared before an interruption.</summary>
    private sealed record Run(string Id, IReadOnlyList<ComparedTable> Tables, ILookup<(string, string), SavedChunk> Chunks, IReadOnlyDictionary<(string, string), DataComparison> Done);

    public async Task<IReadOnlyList<DataComparison>> RunAsync(CancellationToken cancellationToken)
    {
        var row = await RequireAsync(cancellationToken);
        await using var comparing = await OperatorLock.TakeForComparisonAsync(session, cancellationToken);
        await _store.EnsureAsync(cancellationToken);
        var run = await PrepareAsync(cancellationToken);
        var left = await LeftOutAsync(run, row.Phase, cancellationToken);
        await using var sides = await ComparisonSides.OpenAsync(session, options.Jobs, cancellationToken);
        var context = new ComparisonContext(session, options, sides.Source, sides.Target, new ComparisonDoubts(session, row), (table, chunk, findings) => ChunkDoneAsync(run.Id, table, chunk, findings, cancellationToken));
        var results = new DataComparison[run.Tables.Count];
        _bytesTotal = Math.Max(1, run.Tables.Sum(table => table.Chunks.Where(chunk => table.Selected.Contains(chunk.Number)).Sum(chunk => chunk.Bytes)));
        await Parallel.ForEachAsync(
            run.Tables.Select((table, at) => (Table: table, At: at)).OrderByDescending(item => item.Table.Bytes),
            new ParallelOptions { MaxDegreeOfParallelism = options.Jobs, CancellationToken = cancellationToken },
            async (item, token) => results[item.At] = await CompareAsync(run, context, left, item.Table, token));
        await _store.EndAsync(run.Id, cancellationToken);
        session.Events.Progress(new OperationProgress(Activity, "done", 100, Completed: true));
        return results;
    }

    private async Task<DataComparison> CompareAsync(
        Run run, ComparisonContext context, IReadOnlyDictionary<uint, string> left, ComparedTable compared, CancellationToken cancellationToken)
    {
        var table = compared.Table;
        if (run.Done.TryGetValue((table.Schema, table.Name), out var before))
        {
            Interlocked.Add(ref _bytesDone, before.Bytes);
            return before;
        }

        if (left.TryGetValue(table.Oid, out var why))
        {
            return NotCompared(compared, why);
        }

        var done = run.Chunks[(table.Schema, table.Name)].ToDictionary(chunk => chunk.Chunk, chunk => chunk.Rows);
        var result = await new TableComparer(context, compared).CompareAsync(done, cancellationToken);
        if (!result.IsGood)
        {
            Interlocked.Increment(ref _differing);
            session.Events.Verbose(result.ToString());
        }

        await _store.SaveTableAsync(run.Id, table, result, result.Outcome is ComparisonOutcome.Equal or ComparisonOutcome.Repaired && result.ChunksCompared == result.Chunks, cancellationToken);
        return result;
    }

    public static async Task<MigrationRow> RequireComparableAsync(MigrationSession session, CancellationToken cancellationToken)
    {
        var row = await session.RequireMigrationAsync(cancellationToken);
        if (row.Phase is not (MigrationPhase.Replicating or MigrationPhase.Suspended or MigrationPhase.Switched))
        {
            throw Errors.NotComparable(session.Name, row.Phase);
        }

        await session.RequireSourceAsync(row, cancellationToken);
        return row;
    }

    private async Task<MigrationRow> RequireAsync(CancellationToken cancellationToken)
    {
        var row = await RequireComparableAsync(session, cancellationToken);
        if (options.Repair)
        {
            await RowRepair.RequireReplicatingAsync(session, cancellationToken);
        }

        return row;
    }

    private async Task<Run> PrepareAsync(CancellationToken cancellationToken)
    {
        var planner = new ComparisonPlanner(options);
        var rows = await session.Store.ReadTablesAsync(cancellationToken);
        await KnownNames.KeepTablesAsync(session.Home, rows, cancellationToken);
        _uncopied.UnionWith(rows.Where(row => !row.Copied).Select(row => row.Table.Oid));
        var tables = planner.Select([.. rows.Select(row => row.Table)]);
        if (await FindInterruptedAsync(cancellationToken) is { } interrupted)
        {
            var known = tables.ToDictionary(table => (table.Schema, table.Name));
            var saved = interrupted.Tables.Where(table => known.ContainsKey((table.Schema, table.Name)))
                .Select(table => new ComparedTable(known[(table.Schema, table.Name)], table.Bytes, table.Chunks, table.Selected.ToHashSet())).ToList();
            var chunks = await _store.ReadChunksAsync(interrupted.Run, cancellationToken);
            session.Events.Information($"The comparison that was interrupted at {interrupted.ActiveAt.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC goes on.");
            return new Run(interrupted.Run, saved, chunks.ToLookup(chunk => (chunk.Schema, chunk.Name)), await _store.ReadTablesAsync(interrupted.Run, cancellationToken));
        }

        await using var source = await session.OpenSourceAsync(cancellationToken);
        var planned = await planner.PlanAsync(source, tables, cancellationToken);
        var id = RandomNumberGenerator.GetHexString(16, lowercase: true);
        await _store.BeginAsync(id, options, [.. planned.Select(table => new SavedTable(table.Table.Schema, table.Table.Name, table.Bytes, table.Chunks, [.. table.Selected]))], cancellationToken);
        return new Run(id, planned, Array.Empty<SavedChunk>().ToLookup(chunk => (chunk.Schema, chunk.Name)), new Dictionary<(string, string), DataComparison>());
    }

    /// <summary>Null where there is none that may go on: what it found is too old then, or it was of something else.</summary>
    private async Task<SavedComparison?> FindInterruptedAsync(CancellationToken cancellationToken)
    {
        if (await _store.ReadInterruptedAsync(cancellationToken) is not { } interrupted)
        {
            return null;
        }

        var isFresh = DateTimeOffset.UtcNow - interrupted.ActiveAt < ResumableFor;
        var isSame = interrupted.Patterns.SequenceEqual(options.Tables, StringComparer.Ordinal) && interrupted.SamplePercent.Equals(options.SamplePercent);
        if (options.Resume && isFresh && isSame)
        {
            return interrupted;
        }

        if (options.Resume)
        {
            session.Events.Warning($"The interrupted comparison {(isSame ? "is more than an hour old" : "was of other tables or another sample")}; all is compared anew.");
        }
        else if (isFresh && isSame)
        {
            session.Events.Information("A comparison of these tables was interrupted; all is compared anew, as -Resume was not given.");
        }

        return null;
    }

    /// <summary>Tables that are not looked at, each with the reason.</summary>
    private async Task<IReadOnlyDictionary<uint, string>> LeftOutAsync(Run run, MigrationPhase phase, CancellationToken cancellationToken)
    {
        var reasons = new Dictionary<uint, string>();
        if (phase != MigrationPhase.Switched && run.Tables.Any(table => table.Table.Mode == TransferMode.CopiedWhole))
        {
            await using var source = await session.OpenSourceAsync(cancellationToken);
            foreach (var table in await new StaleTables(session).KeylessAsync(source, cancellationToken))
            {
                reasons[table.Oid] = ComparisonDoubts.WrittenKeyless;
            }
        }

        foreach (var compared in run.Tables)
        {
            if (compared.Table.Mode == TransferMode.LeftOut)
            {
                reasons[compared.Table.Oid] = "it was left out of the migration";
            }
            else if (_uncopied.Contains(compared.Table.Oid))
            {
                reasons[compared.Table.Oid] = "it is being copied";
            }
            else if (compared.Selected.Count == 0)
            {
                reasons[compared.Table.Oid] = "it is not in the sample";
            }
        }

        return reasons;
    }

    private async Task ChunkDoneAsync(string run, ComparedTable table, ComparedChunk chunk, ChunkFindings findings, CancellationToken cancellationToken)
    {
        if (table.Chunks.Count > 1 && findings.IsClean)
        {
            await _store.SaveChunkAsync(run, table.Table, chunk.Number, findings.SourceRows, cancellationToken);
        }

        var done = Interlocked.Add(ref _bytesDone, chunk.Bytes);
        session.Events.Progress(new OperationProgress(
            Activity,
            string.Create(CultureInfo.InvariantCulture, $"{table.Table}, {done / 1e6:#,0} of {_bytesTotal / 1e6:#,0} MB{(_differing > 0 ? $", {_differing} tables not equal" : "")}"),
            (int)Math.Min(100, 100 * done / _bytesTotal)));
    }

    private DataComparison NotCompared(ComparedTable compared, string why) => new()
    {
        Name = session.Name, Table = compared.Table.QualifiedName, Outcome = ComparisonOutcome.NotCompared, Detail = why, Chunks = compared.Chunks.Count, ComparedAt = DateTimeOffset.UtcNow,
    };
}

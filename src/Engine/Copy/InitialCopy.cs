using System.Collections.Concurrent;
using System.Threading.Channels;
using HerokuMigrator.Catalog;
using HerokuMigrator.Operations;
using HerokuMigrator.Schema;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Copy;

/// <summary>
/// The first copy of all tables: several streams at once, large tables in chunks by several of them, and the keys of each table as soon as its rows are there.
/// Goes on where an earlier run stood.
/// </summary>
internal sealed class InitialCopy(MigrationSession session)
{
    private readonly ParallelRestorer _builder = new(session, new SchemaRestorer(session));
    private readonly TableCopier _copier = new(session);

    /// <summary>Tables whose rows may come from several moments.</summary>
    private readonly ConcurrentDictionary<uint, bool> _chunked = new();

    public async Task RunAsync(IReadOnlyList<TableRow> tables, CancellationToken cancellationToken)
    {
        var keys = await new SchemaRestorer(session).ReadKeysAsync(cancellationToken);
        var pending = tables.Where(row => !row.Copied).Select(row => row.Table).ToList();
        var keyless = tables.Where(row => row.Copied && keys.Contains(row.Table.QualifiedName)).Select(row => row.Table).ToList();
        if (pending.Count + keyless.Count == 0)
        {
            return;
        }

        await RememberChunkedAsync(keyless, cancellationToken);
        var plans = await new CopyPlanner(session).PlanAsync(pending, cancellationToken);
        foreach (var plan in plans.Where(plan => plan.SourceFile is not null))
        {
            _chunked[plan.Table.Oid] = true;
        }

        session.Meter.Plan(Work(tables, plans, keys));
        session.Meter.PlanSteps(pending.Concat(keyless).Sum(table => keys[table.QualifiedName].Count()));
        var pace = new CopyPace(() => session.StartOptions.MaxRateMBps);
        var transfer = new RowTransfer(session, await _copier.ReadFormatsAsync(pending, cancellationToken), pace);
        using var together = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        // A table of which the rows are there; one that arrives in the middle of all others finds somebody to build its keys.
        var arrived = Channel.CreateUnbounded<TableInfo>();
        foreach (var table in keyless)
        {
            arrived.Writer.TryWrite(table);
        }

        await using var governor = await SourceGovernor.WatchAsync(session, pace, together.Token);
        await AllOrNothingAsync(
            together,
            () => CopyAllAsync(plans, transfer, arrived.Writer, together.Token),
            () => BuildKeysAsync(arrived.Reader, keys, transfer, together.Token));
    }

    private async Task RememberChunkedAsync(IReadOnlyList<TableInfo> tables, CancellationToken cancellationToken)
    {
        await using var target = await session.OpenTargetAsync(cancellationToken);
        foreach (var chunks in await ChunkStore.ReadAsync(target, tables, cancellationToken))
        {
            _chunked[chunks.Key.Oid] = true;
        }
    }

    private static IEnumerable<TableWork> Work(IReadOnlyList<TableRow> tables, IReadOnlyList<TableCopyPlan> plans, ILookup<string, SchemaEntry> keys) =>
        tables.Where(row => row.Copied && row.Table.Mode != TransferMode.LeftOut).Select(row => new TableWork(row.Table, row.Table.Bytes, row.Table.Bytes, row.Rows))
            .Concat(plans.Select(plan => new TableWork(plan.Table, plan.BytesTotal, plan.BytesDone, plan.RowsDone, ToastRows: plan.ToastRows)))
            .Select(table => table with { Keys = keys[table.Table.QualifiedName].Count() });

    /// <summary>The first failure ends the other, and is the one that is told.</summary>
    private static async Task AllOrNothingAsync(CancellationTokenSource together, params Func<Task>[] parts)
    {
        var running = parts.Select(part => Task.Run(part, together.Token)).ToList();
        var failed = (Task?)null;
        var left = running.ToList();
        while (left.Count > 0)
        {
            var ended = await Task.WhenAny(left);
            left.Remove(ended);
            if (!ended.IsCompletedSuccessfully)
            {
                failed ??= ended;
                await together.CancelAsync();
            }
        }

        await (failed ?? Task.CompletedTask);
    }

    private async Task CopyAllAsync(IReadOnlyList<TableCopyPlan> plans, RowTransfer transfer, ChannelWriter<TableInfo> arrived, CancellationToken cancellationToken)
    {
        var chunks = new ChunkCopier(session, transfer);
        var left = plans.ToDictionary(plan => plan.Table.Oid, plan => new TableProgress(Math.Max(1, plan.Chunks.Count)));
        // No chunk: the table is copied whole, or each chunk is there and only the note of it is missing.
        var units = plans.SelectMany(plan => plan.Chunks.Count == 0 ? [(plan, null)] : plan.Chunks.Select(chunk => (Plan: plan, Chunk: (CopyChunk?)chunk)));
        await Parallel.ForEachAsync(
            units,
            new ParallelOptions { MaxDegreeOfParallelism = await JobsAsync(cancellationToken), CancellationToken = cancellationToken },
            async (unit, token) =>
            {
                var (plan, chunk) = unit;
                var progress = left[plan.Table.Oid];
                if (progress.Begin())
                {
                    session.Meter.Begin(plan.Table);
                }

                if (chunk is not null && !progress.Moved)
                {
                    await TransientFault.RetryAsync(
                        session, chunk.ToString(), async () => progress.Moved |= !await chunks.CopyAsync(chunk, plan.SourceFile!, token), token);
                }

                if (progress.End())
                {
                    await FinishAsync(plan, progress, transfer, token);
                    await arrived.WriteAsync(plan.Table, token);
                }
            });
        arrived.Complete();
    }

    private async Task FinishAsync(TableCopyPlan plan, TableProgress progress, RowTransfer transfer, CancellationToken cancellationToken)
    {
        if (plan.SourceFile is null || progress.Moved)
        {
            _chunked.TryRemove(plan.Table.Oid, out _);
            await CopyWholeAsync(plan.Table, progress.Moved ? "its rows were rewritten while it was copied" : null, transfer, cancellationToken);
        }
        else
        {
            await TransientFault.RetryAsync(
                session,
                plan.Table.QualifiedName,
                async () =>
                {
                    await using var target = await session.OpenTargetAsync(cancellationToken);
                    if (!await ChunkStore.FinishAsync(target, plan.Table, cancellationToken))
                    {
                        throw new InvalidOperationException($"A chunk of {plan.Table} is missing.");
                    }
                },
                cancellationToken);
        }

        session.Meter.End(plan.Table);
        session.Events.Verbose($"Copied {plan.Table}.");
    }

    private async Task CopyWholeAsync(TableInfo table, string? why, RowTransfer transfer, CancellationToken cancellationToken)
    {
        if (why is not null)
        {
            session.Events.Information($"{table} is copied from the beginning, in one go: {why}.");
        }

        await TransientFault.RetryAsync(session, table.QualifiedName, () => _copier.CopyAsync(table, transfer, cancellationToken), cancellationToken);
    }

    private Task BuildKeysAsync(ChannelReader<TableInfo> arrived, ILookup<string, SchemaEntry> keys, RowTransfer transfer, CancellationToken cancellationToken) =>
        Parallel.ForEachAsync(
            arrived.ReadAllAsync(cancellationToken),
            new ParallelOptions { MaxDegreeOfParallelism = _builder.Jobs, CancellationToken = cancellationToken },
            async (table, token) =>
            {
                session.Meter.BeginKeys(table);
                await BuildKeysAsync(table, [.. keys[table.QualifiedName]], transfer, token);
                session.Meter.EndKeys(table);
            });

    private async Task BuildKeysAsync(TableInfo table, IReadOnlyList<SchemaEntry> entries, RowTransfer transfer, CancellationToken cancellationToken)
    {
        var chunked = _chunked.ContainsKey(table.Oid);
        if (chunked)
        {
            await TransientFault.RetryAsync(session, table.QualifiedName, () => RemoveDuplicatesAsync(table, cancellationToken), cancellationToken);
        }

        try
        {
            await _builder.MakeAsync(entries, cancellationToken);
        }
        catch (MigrationException exception) when (exception.SqlState is PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.ExclusionViolation && chunked)
        {
            // Rows under keys that cannot be captured may have moved from chunk to chunk. As of one moment the table is without doubt as its own keys allow.
            await CopyWholeAsync(table, exception.Message, transfer, cancellationToken);
            await _builder.MakeAsync(entries, cancellationToken);
        }
    }

    private async Task RemoveDuplicatesAsync(TableInfo table, CancellationToken cancellationToken)
    {
        try
        {
            if (await new CapturedDuplicates(session).RemoveAsync(table, cancellationToken) is > 0 and var removed)
            {
                session.Events.Verbose($"{removed} rows of {table} were changed while it was copied, and come by the replay.");
            }
        }
        catch (Exception exception) when (TableCopier.IsFailure(exception))
        {
            throw TableCopier.Failure(table, exception);
        }
    }

    /// <summary>Of the connections that the source has left, most stay for the application.</summary>
    private async Task<int> JobsAsync(CancellationToken cancellationToken)
    {
        if (session.StartOptions.Jobs is > 0 and var jobs)
        {
            return jobs;
        }

        await using var source = await session.OpenSourceAsync(cancellationToken);
        var free = await source.ScalarAsync<int>(
            "SELECT current_setting('max_connections')::integer - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::integer", cancellationToken);
        return Math.Clamp(free / 4, 1, TableCopier.DefaultJobs);
    }

    /// <summary>How many of a table's units are still to come.</summary>
    private sealed class TableProgress(int units)
    {
        private int _left = units;
        private int _begun;

        /// <summary>The rows moved to another file meanwhile.</summary>
        public bool Moved { get; set; }

        public bool Begin() => Interlocked.Exchange(ref _begun, 1) == 0;

        public bool End() => Interlocked.Decrement(ref _left) == 0;
    }
}

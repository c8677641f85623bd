using HerokuMigrator.Catalog;
using HerokuMigrator.Operations;
using Npgsql;

namespace HerokuMigrator.Schema;

/// <summary>Makes what comes after the rows, each entry in a transaction of its own, as many side by side as the target is given to.</summary>
internal sealed class ParallelRestorer(MigrationSession session, SchemaRestorer restorer)
{
    private const string ForeignKey = "FK CONSTRAINT";

    /// <summary>Of a table, for which the target builds a B-tree in a second, roughly.</summary>
    private const double BytesASecond = 300e6;

    /// <summary>How much longer another index than a B-tree takes for the same table, roughly: it has no parallel workers in most versions.</summary>
    private const int SlowAccessMethod = 4;

    /// <summary>More attempts than that at an entry whose locks met those of another are no accident.</summary>
    private const int MostDeadlocks = 5;

    private Task<string>? _memory;

    /// <summary>Builds side by side, where nothing was said; each may have parallel workers of its own.</summary>
    public int Jobs => session.StartOptions.IndexJobs is > 0 and var jobs ? jobs : Math.Clamp(Environment.ProcessorCount, 2, 4);

    /// <summary>
    /// Index builds first, as they wait for nothing but each other's processors, and what else is to be done to tables once they have theirs;
    /// then, where no other one holds either of their tables, foreign keys, and beside these what wants indexes and can do without them.
    /// </summary>
    public async Task RestoreAsync(
        IReadOnlyList<SchemaEntry> entries, IReadOnlyList<BuildPiece> afterIndexes, Func<CancellationToken, Task> besideForeignKeys, CancellationToken cancellationToken)
    {
        var work = new Work(this, entries.Count);
        session.Meter.PlanSteps(entries.Count);
        var indexes = await MeasureAsync([.. entries.Where(entry => entry.Kind == "INDEX")], work, cancellationToken);
        await new BuildQueue([.. indexes, .. afterIndexes]).RunAsync(Jobs, cancellationToken);
        var others = entries.Where(entry => entry.Kind is not "INDEX").ToList();
        var before = others.TakeWhile(entry => entry.Kind != ForeignKey).ToList();
        foreach (var entry in before)
        {
            await work.MakeAsync(entry, cancellationToken);
        }

        await Task.WhenAll(
            MakeForeignKeysAsync([.. others.Where(entry => entry.Kind == ForeignKey)], work, cancellationToken),
            besideForeignKeys(cancellationToken));
        // Comments on foreign keys among them.
        foreach (var entry in others.Skip(before.Count).Where(entry => entry.Kind != ForeignKey))
        {
            await work.MakeAsync(entry, cancellationToken);
        }
    }

    /// <summary>One after the other: what belongs to one table.</summary>
    public async Task MakeAsync(IReadOnlyList<SchemaEntry> entries, CancellationToken cancellationToken)
    {
        foreach (var entry in entries)
        {
            await MakeAloneAsync(entry, cancellationToken);
        }
    }

    private async Task<IEnumerable<BuildPiece>> MeasureAsync(IReadOnlyList<SchemaEntry> indexes, Work work, CancellationToken cancellationToken)
    {
        var tables = indexes.Select(index => LockedTables.Of(index.Sql)).OfType<string>().Distinct(StringComparer.Ordinal).ToArray();
        await using var target = await session.OpenTargetAsync(cancellationToken);
        var bytes = (await target.ListAsync(
            "SELECT t.name, coalesce(pg_table_size(to_regclass(t.name)), 0) FROM unnest($1::text[]) t(name)",
            row => (Table: row.GetString(0), Bytes: row.GetInt64(1)), cancellationToken, (object)tables)).ToDictionary(row => row.Table, row => row.Bytes, StringComparer.Ordinal);
        return indexes.Select(index =>
        {
            var table = LockedTables.Of(index.Sql);
            var factor = index.Sql.Contains(" USING btree ", StringComparison.Ordinal) ? 1 : SlowAccessMethod;
            return new BuildPiece(table, table is null ? 0 : bytes[table] * factor / BytesASecond, IsLast: false, token => work.MakeAsync(index, token));
        });
    }

    private async Task MakeForeignKeysAsync(List<SchemaEntry> entries, Work work, CancellationToken cancellationToken)
    {
        // Each locks both of its tables: two that share one would wait for each other, or worse.
        var waiting = entries.Select(entry => (Entry: entry, Tables: LockedTables.OfForeignKey(entry.Sql))).ToList();
        var held = new HashSet<string>(StringComparer.Ordinal);
        var running = new Dictionary<Task, IReadOnlyList<string>>();
        using var together = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            while (waiting.Count + running.Count > 0)
            {
                // What cannot be read is made alone.
                var next = running.Count >= Jobs ? -1 : waiting.FindIndex(one => one.Tables.Count == 0 ? running.Count == 0 : !one.Tables.Any(held.Contains));
                if (next >= 0 && !running.Values.Any(tables => tables.Count == 0))
                {
                    var (entry, tables) = waiting[next];
                    waiting.RemoveAt(next);
                    held.UnionWith(tables);
                    // All that end at once are one and the same task otherwise.
                    running.Add(Task.Run(() => work.MakeAsync(entry, together.Token), CancellationToken.None), tables);
                    continue;
                }

                var ended = await Task.WhenAny(running.Keys);
                held.ExceptWith(running[ended]);
                running.Remove(ended);
                await ended;
            }
        }
        finally
        {
            await together.CancelAsync();
            await Task.WhenAll(running.Keys.Select(task => task.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default)));
        }
    }

    private async Task MakeAloneAsync(SchemaEntry entry, CancellationToken cancellationToken)
    {
        session.Meter.BeginStep(entry.ToString());
        try
        {
            for (var attempt = 1; ; attempt++)
            {
                try
                {
                    await MakeOnceAsync(entry, cancellationToken);
                    return;
                }
                catch (MigrationException exception) when (exception.SqlState == PostgresErrorCodes.DeadlockDetected && attempt < MostDeadlocks)
                {
                    session.Events.Verbose($"{entry} met the locks of another; once more.");
                }
            }
        }
        finally
        {
            session.Meter.EndStep(entry.ToString());
        }
    }

    private async Task MakeOnceAsync(SchemaEntry entry, CancellationToken cancellationToken)
    {
        // Index builds and checks call the schema's own functions.
        var settings = await session.ReadApplicationSettingsAsync(cancellationToken);
        await using var connection = await session.Target.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(SchemaRestorer.SessionSettings, cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await connection.ExecuteAsync($"{settings.SetLocal}; SET LOCAL maintenance_work_mem = '{await (_memory ??= MemoryAsync(cancellationToken))}'", cancellationToken);
        await restorer.MakeAsync(connection, transaction, entry, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>
    /// How much memory a server has cannot be seen; its shared_buffers are a quarter of it where somebody has set them. Half of these for all builds together
    /// is little for such a server, and the server's own setting is the least.
    /// </summary>
    private async Task<string> MemoryAsync(CancellationToken cancellationToken)
    {
        await using var target = await session.OpenTargetAsync(cancellationToken);
        return (await target.ScalarAsync<string>(
            """
            SELECT greatest(pg_size_bytes(current_setting('maintenance_work_mem')), least(pg_size_bytes(current_setting('shared_buffers')) / 2 / $1, 2::bigint << 30)) / 1024 || 'kB'
            """,
            cancellationToken, Jobs))!;
    }

    /// <summary>Tells how far the whole of it is.</summary>
    private sealed class Work(ParallelRestorer owner, int count)
    {
        private int _done;

        public async Task MakeAsync(SchemaEntry entry, CancellationToken cancellationToken)
        {
            owner.Tell(entry, 100 * Interlocked.Increment(ref _done) / Math.Max(1, count));
            await owner.MakeAloneAsync(entry, cancellationToken);
        }
    }

    private void Tell(SchemaEntry entry, int percent) =>
        session.Events.Progress(new OperationProgress("Completing the schema on the target", entry.ToString(), percent));
}

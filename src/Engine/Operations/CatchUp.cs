using System.Globalization;
using HerokuMigrator.Capture;
using HerokuMigrator.Catalog;
using HerokuMigrator.Copy;
using Npgsql;

namespace HerokuMigrator.Operations;

/// <summary>
/// Applies large backlogs before the daemon starts, table by table, several at once: Bucardo would hold all keys of a table in memory.
/// What is small, or rewritten meanwhile, is left to Bucardo, whose next run makes both sides one snapshot.
/// </summary>
internal sealed class CatchUp(MigrationSession session)
{
    /// <summary>Pending rows of a table up to which a run of Bucardo takes about as long as this would.</summary>
    internal const long SmallBacklog = 10_000;

    /// <summary>Pending rows of a table beyond which a daemon that runs is stopped for it. It takes about half a kilobyte for each.</summary>
    internal const long LargeBacklog = 200_000;

    /// <summary>Bytes that a row of a delta table takes at least: its header and pointer, a key of four bytes, and two times.</summary>
    private const int SmallestRow = 44;

    /// <summary>Tables side by side; each takes a connection to either side.</summary>
    private static readonly int Jobs = Math.Clamp(Environment.ProcessorCount, 2, 4);

    /// <summary>The same for little: then it is the ways there and back that take the time.</summary>
    private const int JobsForLittle = 4;

    /// <summary>Each pass applies what was captured during the one before, so each is shorter, unless writers are quicker.</summary>
    private const int Passes = 6;

    private const int Attempts = 5;

    /// <summary>The daemon stands still; what is pending of each table is small afterwards. False where it was so before.</summary>
    public async Task<bool> ApplyAsync(IReadOnlyList<TableInfo> replayed, CancellationToken cancellationToken)
    {
        var left = new HashSet<uint>();
        for (var pass = 0; pass < Passes; pass++)
        {
            var large = await FindAsync([.. replayed.Where(table => !left.Contains(table.Oid))], cancellationToken);
            if (large.Count == 0)
            {
                return pass > 0;
            }

            var (pending, applied) = (large.Sum(one => one.Rows), 0L);
            await Parallel.ForEachAsync(
                large.OrderByDescending(one => one.Rows),
                new ParallelOptions { MaxDegreeOfParallelism = Jobs, CancellationToken = cancellationToken },
                async (one, token) =>
                {
                    session.Events.Progress(new OperationProgress("Catching up", $"{one.Table}, {one.Rows} captured changes", (int)(100 * Interlocked.Read(ref applied) / pending)));
                    if (await ApplyAsync(one.Table, token) is { } done)
                    {
                        await session.Store.LogAsync(
                            "catch-up", string.Create(CultureInfo.InvariantCulture, $"{one.Table}: {done.Keys} keys of {done.Changes} changes applied, {done.Rows} rows"), token);
                    }
                    else
                    {
                        lock (left)
                        {
                            left.Add(one.Table.Oid);
                        }
                    }

                    Interlocked.Add(ref applied, one.Rows);
                });
        }

        return true;
    }

    /// <summary>
    /// Applies what is pending of every table, however little; the daemon stands still. Each table comes to a moment of its own, which is the same one where nobody writes.
    /// False where something of it is left to Bucardo.
    /// </summary>
    public async Task<bool> DrainAsync(IReadOnlyList<TableInfo> replayed, CancellationToken cancellationToken)
    {
        IReadOnlyList<TableInfo> pending;
        await using (var source = await session.OpenSourceAsync(cancellationToken))
        {
            pending = await new DeltaBacklog(replayed).FindPendingAsync(source, cancellationToken);
        }

        var left = 0;
        await Parallel.ForEachAsync(
            pending.Select((table, at) => (table, at)).GroupBy(item => item.at % JobsForLittle, item => item.table),
            new ParallelOptions { MaxDegreeOfParallelism = JobsForLittle, CancellationToken = cancellationToken },
            async (group, token) =>
            {
                foreach (var table in await ApplyTogetherAsync([.. group], token))
                {
                    Interlocked.Add(ref left, await ApplyAsync(table, token) is null ? 1 : 0);
                }
            });
        session.Events.Verbose($"What was pending of {pending.Count - left} tables is applied, and of {left} left to Bucardo.");
        return left == 0;
    }

    /// <summary>Returns those that have to go one by one: all of them, where one of them is refused.</summary>
    private async Task<IReadOnlyList<TableInfo>> ApplyTogetherAsync(IReadOnlyList<TableInfo> tables, CancellationToken cancellationToken)
    {
        try
        {
            return await new SmallDeltas(session).ApplyAsync(tables, cancellationToken);
        }
        catch (Exception exception) when (exception is NpgsqlException or IOException)
        {
            session.Events.Verbose($"What is pending is applied table by table: {exception.Message}");
            return tables;
        }
    }

    /// <summary>Tables of which more is pending than a daemon that runs should hold. By what the server has counted, so that a look costs little.</summary>
    public async Task<IReadOnlyList<TableInfo>> FindTooLargeAsync(IReadOnlyList<TableInfo> replayed, CancellationToken cancellationToken)
    {
        await using var source = await session.OpenSourceAsync(cancellationToken);
        List<TableInfo> found = [];
        foreach (var table in await DeltaBacklog.FindHoldingAsync(source, replayed, LargeBacklog, SmallestRow, counted: true, cancellationToken))
        {
            if (await DeltaBacklog.CountPendingAsync(source, table, LargeBacklog + 1, cancellationToken) > LargeBacklog)
            {
                found.Add(table);
            }
        }

        return found;
    }

    private async Task<IReadOnlyList<(TableInfo Table, long Rows)>> FindAsync(IReadOnlyList<TableInfo> tables, CancellationToken cancellationToken)
    {
        await using var source = await session.OpenSourceAsync(cancellationToken);
        var holding = await DeltaBacklog.FindHoldingAsync(source, tables, SmallBacklog, SmallestRow, counted: false, cancellationToken);
        if (holding.Count == 0)
        {
            return [];
        }

        // Analysed too: a plan made for an empty table would make what follows quadratic.
        await new DeltaBacklog(holding).PurgeAsync(source, cancellationToken);
        List<(TableInfo, long)> found = [];
        foreach (var table in holding)
        {
            if (await DeltaBacklog.CountPendingAsync(source, table, null, cancellationToken) is > SmallBacklog and var rows)
            {
                found.Add((table, rows));
            }
        }

        return found;
    }

    /// <summary>Null where it is left to Bucardo.</summary>
    private async Task<AppliedDelta?> ApplyAsync(TableInfo table, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var applied = await new DeltaApplier(session).ApplyAsync(table, cancellationToken);
                if (applied is null)
                {
                    session.Events.Verbose($"The backlog of {table} is left to Bucardo, as the table was truncated or rewritten meanwhile.");
                }

                return applied;
            }
            catch (PostgresException exception) when (!IsPassing(exception) || (exception.SqlState == PostgresErrorCodes.LockNotAvailable && attempt == Attempts))
            {
                session.Events.Verbose($"The backlog of {table} is left to Bucardo: {exception.MessageText}.");
                return null;
            }
            catch (Exception exception) when (exception is NpgsqlException or IOException or ObjectDisposedException && attempt < Attempts)
            {
                session.Events.Verbose($"The backlog of {table} is applied again: {exception.Message}");
                await Task.Delay(TimeSpan.FromSeconds(attempt), cancellationToken);
            }
        }
    }

    /// <summary>A server that restarts, a session that was ended, or a lock: nothing that Bucardo could do better.</summary>
    private static bool IsPassing(PostgresException exception) =>
        exception.IsTransient || exception.SqlState.StartsWith("57P", StringComparison.Ordinal) || exception.SqlState == PostgresErrorCodes.LockNotAvailable;
}

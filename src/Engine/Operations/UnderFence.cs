using HerokuMigrator.Catalog;
using HerokuMigrator.Copy;
using HerokuMigrator.Cutover;
using HerokuMigrator.ExtensionRows;
using HerokuMigrator.Schema;
using HerokuMigrator.State;
using HerokuMigrator.Verification;

namespace HerokuMigrator.Operations;

/// <summary>What was done while writes were held back.</summary>
internal sealed record DoneUnderFence(
    TimeSpan Sentinel, IReadOnlyList<SequencePosition> Sequences, int LargeObjects, IReadOnlyList<string> ExtensionTables, IReadOnlyList<TableInfo> CopiedWhole, IReadOnlyList<TableSample> Compared);

/// <summary>All that happens while writes are held back, as much of it side by side as can be: after it the target is complete.</summary>
internal sealed class UnderFence(MigrationSession session, SwitchOptions options, IReadOnlyList<TableRow> tables, IReadOnlyList<TableInfo> replayed, StepClock clock)
{
    /// <summary>What only refuses begins then at the latest, so that a switch whose copies take long is not refused after them.</summary>
    private static readonly TimeSpan ChecksBeginAfter = TimeSpan.FromSeconds(1);

    /// <summary>The token carries the bound of it all.</summary>
    public async Task<DoneUnderFence> RunAsync(FenceRecord record, FencedComparison comparison, CancellationToken cancellationToken)
    {
        var deadline = DateTimeOffset.UtcNow + TimeSpan.FromSeconds(options.TimeoutSeconds);
        var copier = new TableCopier(session);
        using var together = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var token = together.Token;
        var sentinel = clock.MeasureAsync("drain and its proof", () => ProveAsync(deadline, token));
        // Nothing replays these, so their last copy need not wait for the drain.
        var keyless = clock.MeasureAsync("tables without a usable key", () => CopyKeylessAsync(copier, token));
        var objects = clock.MeasureAsync("large objects", () => new LargeObjects(session).CopyAsync(record, deadline, token));
        var extensions = clock.MeasureAsync("tables of extensions", () => new ExtensionCarrier(session).CarryUnderFenceAsync(token));
        var stale = clock.MeasureAsync("search for tables to copy again", () => new StaleTables(session).FindAsync(replayed, token));
        Task[] content = [sentinel, keyless, objects, extensions, stale];

        // Nothing of these must be early, and where processors are short each would make the content longer; beside the comparison, which takes its milliseconds in any case, they cost nothing.
        var late = Task.WhenAny(Task.WhenAll(content), Task.Delay(ChecksBeginAfter, token));
        var closed = AfterAsync(late, "proof that nobody can write", () => new Fence(session).ProveAsync(record, token));
        var sequences = AfterAsync(late, "sequences", () => new SequenceTransfer(session).RunAsync(token));
        // A table made since the first look has no capture, and none can be made any more that is written to.
        var drift = AfterAsync(late, "drift of the schema", () => RefuseDriftAsync(token));
        Task[] checks = [closed, sequences, drift];

        await AllAsync(together, content, checks);
        var marked = await stale;
        if (marked.Count > 0)
        {
            await AllAsync(together, [clock.MeasureAsync("tables to copy again", () => copier.CopyAsync(marked, 0, token))], checks);
        }

        var comparing = clock.MeasureAsync("comparison", () => comparison.RunAsync(TimeSpan.FromMilliseconds(options.CompareBudgetMs), token));
        await AllAsync(together, [comparing, CompleteAsync(token), .. checks], []);
        return new DoneUnderFence(await sentinel, await sequences, await objects, await extensions, [.. (await keyless).Concat(marked)], await comparing);
    }

    private async Task AfterAsync(Task before, string name, Func<Task> work)
    {
        await before;
        await clock.MeasureAsync(name, work);
    }

    private async Task<T> AfterAsync<T>(Task before, string name, Func<Task<T>> work)
    {
        await before;
        return await clock.MeasureAsync(name, work);
    }

    /// <summary>Waits for the former alone. The first of either that fails ends all, as what is put back must not meet them.</summary>
    private static async Task AllAsync(CancellationTokenSource together, IReadOnlyList<Task> awaited, IReadOnlyList<Task> beside)
    {
        var left = awaited.Count;
        try
        {
            await foreach (var done in Task.WhenEach(awaited.Concat(beside)).WithCancellation(CancellationToken.None))
            {
                await done;
                if (awaited.Contains(done) && --left == 0)
                {
                    return;
                }
            }
        }
        catch
        {
            await together.CancelAsync();
            await Task.WhenAny(Task.WhenAll(awaited.Concat(beside)));
            throw;
        }
    }

    /// <summary>
    /// The last that writes to the target. An undo asks which tables were written there, so the counters of now come before anybody is told that it is safe;
    /// a rehearsal reads them too, as they are a part of the pause.
    /// </summary>
    private async Task CompleteAsync(CancellationToken cancellationToken)
    {
        await clock.MeasureAsync("constraints and triggers", () => new SchemaRestorer(session).RestoreAsync(SchemaStage.UnderFence, cancellationToken));
        await clock.MeasureAsync("counters of the target", () => new TargetWrites(session).RememberAsync(cancellationToken));
    }

    /// <summary>Those that may have changed since their copy; to be asked under the fence, when the triggers of all writers have fired.</summary>
    private async Task<IReadOnlyList<TableInfo>> CopyKeylessAsync(TableCopier copier, CancellationToken cancellationToken)
    {
        IReadOnlyList<TableInfo> keyless;
        await using (var source = await session.OpenSourceAsync(cancellationToken))
        {
            keyless = await new StaleTables(session).KeylessAsync(source, cancellationToken);
        }

        await copier.CopyAsync(keyless, 0, cancellationToken);
        return keyless;
    }

    private async Task RefuseDriftAsync(CancellationToken cancellationToken)
    {
        await using var source = await session.OpenSourceAsync(cancellationToken);
        await new SchemaDrift(session).RefuseAsync(source, tables, cancellationToken);
    }

    private async Task<TimeSpan> ProveAsync(DateTimeOffset deadline, CancellationToken cancellationToken)
    {
        var drain = new Drain(session, replayed);
        if (await drain.TryPassSentinelWithoutDaemonAsync(cancellationToken) is not { } sentinel)
        {
            await new Replication(session).EnsureRunningAsync(replayed, cancellationToken);
            sentinel = await drain.PassSentinelAsync(deadline - DateTimeOffset.UtcNow, cancellationToken)
                ?? throw Errors.DrainTimedOut(options.TimeoutSeconds, "the sentinel had not arrived");
        }

        if (!await drain.WaitUntilNothingPendingAsync(deadline - DateTimeOffset.UtcNow, cancellationToken))
        {
            throw Errors.DrainTimedOut(options.TimeoutSeconds, "changes were still without their mark");
        }

        await session.Daemon.KillAsync(cancellationToken);
        return sentinel;
    }
}

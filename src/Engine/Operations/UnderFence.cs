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
    /// <summary>The token carries the bound of it all.</summary>
    public async Task<DoneUnderFence> RunAsync(FenceRecord record, FencedComparison comparison, CancellationToken cancellationToken)
    {
        var deadline = DateTimeOffset.UtcNow + TimeSpan.FromSeconds(options.TimeoutSeconds);
        var copier = new TableCopier(session);
        using var together = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var token = together.Token;
        var closed = clock.MeasureAsync("proof that nobody can write", () => new Fence(session).ProveAsync(record, token));
        var sentinel = clock.MeasureAsync("drain and its proof", () => ProveAsync(deadline, token));
        // Nothing replays these, so their last copy need not wait for the drain; nor need the sequences, which stand still as well.
        var keyless = clock.MeasureAsync("tables without a usable key", () => CopyKeylessAsync(copier, token));
        var objects = clock.MeasureAsync("large objects", () => new LargeObjects(session).CopyAsync(record, deadline, token));
        var extensions = clock.MeasureAsync("tables of extensions", () => new ExtensionCarrier(session).CarryUnderFenceAsync(token));
        var sequences = clock.MeasureAsync("sequences", () => new SequenceTransfer(session).RunAsync(token));
        // A table made since the first look has no capture, and none can be made any more that is written to.
        var drift = clock.MeasureAsync("drift of the schema", () => RefuseDriftAsync(token));
        var stale = clock.MeasureAsync("search for tables to copy again", () => new StaleTables(session).FindAsync(replayed, token));
        Task[] all = [closed, sentinel, keyless, objects, extensions, sequences, drift, stale];
        try
        {
            await foreach (var done in Task.WhenEach(all).WithCancellation(CancellationToken.None))
            {
                await done;
            }
        }
        catch
        {
            // The first one that fails ends the others; what is put back must not meet them.
            await together.CancelAsync();
            await Task.WhenAny(Task.WhenAll(all));
            throw;
        }

        var marked = await stale;
        if (marked.Count > 0)
        {
            await clock.MeasureAsync("tables to copy again", () => copier.CopyAsync(marked, 0, cancellationToken));
        }

        var constraints = clock.MeasureAsync("constraints and triggers", () => new SchemaRestorer(session).RestoreAsync(SchemaStage.UnderFence, cancellationToken));
        var comparing = clock.MeasureAsync("comparison", () => comparison.RunAsync(TimeSpan.FromMilliseconds(options.CompareBudgetMs), cancellationToken));
        await Task.WhenAll(constraints, comparing);
        return new DoneUnderFence(await sentinel, await sequences, await objects, await extensions, [.. (await keyless).Concat(marked)], await comparing);
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

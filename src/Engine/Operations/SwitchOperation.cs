using HerokuMigrator.Capture;
using HerokuMigrator.Catalog;
using HerokuMigrator.Copy;
using HerokuMigrator.Cutover;
using HerokuMigrator.ExtensionRows;
using HerokuMigrator.Schema;
using HerokuMigrator.State;

namespace HerokuMigrator.Operations;

/// <summary>Fence, drain, proof, sequences. On any failure the fence is taken away and writes go on at the source.</summary>
internal sealed class SwitchOperation(MigrationSession session, SwitchOptions options)
{
    private readonly Fence _fence = new(session);
    private readonly Replication _replication = new(session);

    /// <summary>The state says Switched: whatever fails after that, the target may be written to already.</summary>
    private bool _handedOver;

    public async Task<TrafficSwitch> RunAsync(CancellationToken cancellationToken)
    {
        await using var operatorLock = await OperatorLock.TakeAsync(session, cancellationToken);
        var row = await session.RequireMigrationAsync(cancellationToken);
        if (row.Phase == MigrationPhase.Switched)
        {
            return await SwitchCertificate.ReadAsync(session, cancellationToken)
                ?? new TrafficSwitch { Name = session.Name, Phase = MigrationPhase.Switched, Source = session.SourceSettings.Address, Target = session.TargetSettings.Address };
        }

        if (row is { Phase: MigrationPhase.Switching, Before: MigrationPhase.Switched })
        {
            throw Errors.WrongPhase(session.Name, "a switch", row.Phase, "An undo was begun: run Undo-TrafficSwitch again; it goes on.");
        }

        if (row.Phase is not (MigrationPhase.Replicating or MigrationPhase.Switching))
        {
            throw Errors.WrongPhase(session.Name, "a switch", row.Phase, "Get it replicating first: Start-BucardoSync (or Resume-BucardoSync), then Get-SyncStatus -Wait.");
        }

        await session.RequireSourceAsync(row, cancellationToken);
        await Worker.EndAsync(session, cancellationToken);
        var replayed = await session.Store.ReadReplayedAsync(cancellationToken);
        try
        {
            if (row.Phase == MigrationPhase.Replicating)
            {
                await new AdoptOperation(session).RunAsync(row, cancellationToken);
            }

            var tables = await session.Store.ReadTablesAsync(cancellationToken);
            replayed = [.. tables.Select(table => table.Table).Where(table => table.Mode == TransferMode.Replayed)];
            await PrepareAsync(row, tables, replayed, cancellationToken);
            return await SwitchAsync(tables, replayed, cancellationToken);
        }
        catch (Exception exception) when (!_handedOver)
        {
            await TakeBackAsync(exception, replayed);
            throw;
        }
    }

    /// <summary>All that may take long or fail is done while writes still flow.</summary>
    private async Task PrepareAsync(MigrationRow row, IReadOnlyList<TableRow> tables, IReadOnlyList<TableInfo> replayed, CancellationToken cancellationToken)
    {
        if (row.Phase == MigrationPhase.Replicating)
        {
            await using var source = await session.OpenSourceAsync(cancellationToken);
            await new SwitchChecks(session).RequireAsync(source, tables, options, cancellationToken);
            await new LargeObjects(session).RefuseAsync(source, cancellationToken);
            StartOperation.TellLeftOut(session, tables);
            // The record of a fence that is gone must not be the one of the next.
            await _fence.ForgetAsync(cancellationToken);
            await RecopyStaleAsync(replayed, cancellationToken);
        }

        await _replication.EnsureRunningAsync(replayed, cancellationToken);
        if (row.Phase == MigrationPhase.Replicating)
        {
            await _replication.RelieveAsync(replayed, cancellationToken);
            // The backlog of now is drained while writers go on, so that the fence waits for the last moments only.
            var drain = new Drain(session, replayed);
            if (await drain.PassSentinelAsync(TimeSpan.FromSeconds(options.TimeoutSeconds), cancellationToken) is null)
            {
                throw Errors.SwitchRefused(
                    $"Changes of now did not reach the target within {options.TimeoutSeconds} s; the fence was not built.", "Wait until Get-SyncStatus shows a small lag, then switch again.");
            }

            await using var source = await session.OpenSourceAsync(cancellationToken);
            await new DeltaBacklog(replayed).PurgeAsync(source, cancellationToken);
        }
    }

    /// <summary>Copied now, while writes flow: what of it changes no more until the fence need not be copied under it.</summary>
    private async Task RecopyStaleAsync(IReadOnlyList<TableInfo> replayed, CancellationToken cancellationToken)
    {
        var stale = new StaleTables(session);
        var tables = await stale.FindAsync(replayed, cancellationToken);
        if (tables.Count == 0)
        {
            return;
        }

        session.Events.Warning(
            $"These tables are copied once more before the fence, as a column was rewritten or rows have keys that cannot be replayed: {string.Join(", ", tables)}.");
        await stale.RecopyAsync(tables, replayed, cancellationToken);
    }

    private async Task<TrafficSwitch> SwitchAsync(IReadOnlyList<TableRow> tables, IReadOnlyList<TableInfo> replayed, CancellationToken cancellationToken)
    {
        File.Delete(session.Home.CertificateFile);
        await session.Store.SaveTargetWritesAsync(null, cancellationToken);
        await session.Store.SetPhaseAsync(MigrationPhase.Switching, cancellationToken);
        session.Events.Verbose("Switching: the fence is being built.");
        await new SchemaRestorer(session).UndoUnderFenceAsync(cancellationToken);
        var (record, locks) = await _fence.CloseAsync(options, cancellationToken);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(options.TimeoutSeconds));
        try
        {
            var result = await HandOverAsync(tables, replayed, record, locks, limit.Token);
            // What they show is derived, and may rest on tables that were copied last; nobody waits for it with a write.
            await new MaterializedViews(session).RefreshAsync(cancellationToken);
            return result;
        }
        catch (OperationCanceledException) when (!_handedOver && !cancellationToken.IsCancellationRequested)
        {
            throw Errors.DrainTimedOut(options.TimeoutSeconds, "the last copies, keys or sequences were not done");
        }
    }

    /// <summary>All that happens while writes are held back; the token carries the bound of it.</summary>
    private async Task<TrafficSwitch> HandOverAsync(
        IReadOnlyList<TableRow> tables, IReadOnlyList<TableInfo> replayed, FenceRecord record, LocksTaken locks, CancellationToken cancellationToken)
    {
        var deadline = DateTimeOffset.UtcNow + TimeSpan.FromSeconds(options.TimeoutSeconds);
        var copier = new TableCopier(session);
        // Nothing replays these, so their last copy need not wait for the drain.
        using var together = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var keylessCopy = CopyKeylessAsync(copier, together.Token);
        var objectsCopy = new LargeObjects(session).CopyAsync(record, deadline, together.Token);
        var extensionsCopy = new ExtensionCarrier(session).CarryUnderFenceAsync(together.Token);
        // A table made since the first look has no capture, and none can be made any more that is written to.
        var drift = RefuseDriftAsync(tables, together.Token);
        TimeSpan sentinel;
        try
        {
            sentinel = await ProveAsync(replayed, deadline, cancellationToken);
            await Task.WhenAll(keylessCopy, objectsCopy, extensionsCopy, drift);
        }
        catch
        {
            await together.CancelAsync();
            await Task.WhenAny(Task.WhenAll(keylessCopy, objectsCopy, extensionsCopy, drift));
            throw;
        }

        await session.Daemon.KillAsync(cancellationToken);
        var marked = await new StaleTables(session).FindAsync(replayed, cancellationToken);
        await copier.CopyAsync(marked, 0, cancellationToken);
        await new SchemaRestorer(session).RestoreAsync(SchemaStage.UnderFence, cancellationToken);
        var sequences = await new SequenceTransfer(session).RunAsync(cancellationToken);
        // From here on an undo asks which tables were written on the target, so the counters of now come first.
        await new TargetWrites(session).RememberAsync(cancellationToken);
        await session.Store.SetPhaseAsync(MigrationPhase.Switched, cancellationToken);
        _handedOver = true;
        var safeAt = DateTimeOffset.UtcNow;
        var result = new TrafficSwitch
        {
            Name = session.Name,
            Phase = MigrationPhase.Switched,
            Source = session.SourceSettings.Address,
            Target = session.TargetSettings.Address,
            FencedAt = record.FencedAt,
            SafeAt = safeAt,
            WritePauseMs = (safeAt - record.FencedAt!.Value).TotalMilliseconds,
            LockAttempts = locks.Attempts,
            FailedAttemptsMs = locks.Failed.TotalMilliseconds,
            SentinelMs = sentinel.TotalMilliseconds,
            TablesFenced = record.Relations.Count(relation => !relation.IsSequence),
            Roles = FencedRoles(record),
            SequencesSet = sequences,
            LargeObjectsCopied = await objectsCopy,
            ExtensionTablesCopied = await extensionsCopy,
            TablesCopiedWhole = [.. (await keylessCopy).Concat(marked).Select(table => table.QualifiedName)],
            TablesLeftOut = MigrationSummary.LeftOut(tables),
            UndoFile = session.Home.UndoFile,
            CertificateFile = session.Home.CertificateFile,
        };
        await SwitchCertificate.WriteAsync(session, result, cancellationToken);
        session.Events.Information($"Switched: the target is safe to write to; writes were held back for {result.WritePauseMs:0} ms, and for up to {result.FailedAttemptsMs:0} ms before by attempts that failed. Materialized views follow.");
        return result;
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

    private async Task RefuseDriftAsync(IReadOnlyList<TableRow> tables, CancellationToken cancellationToken)
    {
        await using var source = await session.OpenSourceAsync(cancellationToken);
        await new SchemaDrift(session).RefuseAsync(source, tables, cancellationToken);
    }

    private async Task<TimeSpan> ProveAsync(IReadOnlyList<TableInfo> replayed, DateTimeOffset deadline, CancellationToken cancellationToken)
    {
        var drain = new Drain(session, replayed);
        if (await drain.TryPassSentinelWithoutDaemonAsync(cancellationToken) is not { } sentinel)
        {
            await _replication.EnsureRunningAsync(replayed, cancellationToken);
            sentinel = await drain.PassSentinelAsync(deadline - DateTimeOffset.UtcNow, cancellationToken)
                ?? throw Errors.DrainTimedOut(options.TimeoutSeconds, "the sentinel had not arrived");
        }

        if (!await drain.WaitUntilNothingPendingAsync(deadline - DateTimeOffset.UtcNow, cancellationToken))
        {
            throw Errors.DrainTimedOut(options.TimeoutSeconds, "changes were still without their mark");
        }

        return sentinel;
    }

    /// <summary>Writes go on at the source whatever it was that failed; a cancelled run is cleaned up after too.</summary>
    private async Task TakeBackAsync(Exception cause, IReadOnlyList<TableInfo> replayed)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        try
        {
            if (await _fence.OpenAsync(limit.Token) is not null)
            {
                await _fence.ForgetAsync(limit.Token);
            }

            await new SchemaRestorer(session).UndoUnderFenceAsync(limit.Token);
            await new ExtensionCarrier(session).TakeBackAsync(limit.Token);
            await session.Store.SetPhaseAsync(MigrationPhase.Replicating, limit.Token);
            await _replication.EnsureRunningAsync(replayed, limit.Token);
            await Worker.LaunchAsync(session, limit.Token);
        }
        catch (Exception second) when (second is MigrationException or Npgsql.NpgsqlException or OperationCanceledException or IOException)
        {
            session.Events.Warning(
                $"The switch failed ({cause.Message}), and taking the fence away failed too ({second.Message}). Run Undo-TrafficSwitch, or psql with {session.Home.UndoFile} on the source.");
        }
    }

    private static IReadOnlyList<string> FencedRoles(FenceRecord record) =>
    [
        .. record.Relations.SelectMany(relation => relation.Grants).Concat(record.LargeObjects.SelectMany(group => group.Grants))
            .Where(grant => grant.Privilege is "INSERT" or "UPDATE" or "DELETE" or "TRUNCATE" or "USAGE")
            .Select(grant => grant.Grantee.Length == 0 ? "PUBLIC" : grant.Grantee).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal),
    ];
}

using HerokuMigrator.Capture;
using HerokuMigrator.Catalog;
using HerokuMigrator.Copy;
using HerokuMigrator.Cutover;
using HerokuMigrator.ExtensionRows;
using HerokuMigrator.Schema;
using HerokuMigrator.State;
using HerokuMigrator.Verification;

namespace HerokuMigrator.Operations;

/// <summary>Fence, drain, proof, sequences. On any failure the fence is taken away and writes go on at the source.</summary>
internal sealed class SwitchOperation(MigrationSession session, SwitchOptions options)
{
    private readonly Fence _fence = new(session);
    private readonly Replication _replication = new(session);
    private readonly StepClock _clock = new();

    /// <summary>To either side: four for the drain, and one for each of what goes beside it.</summary>
    private const int ConnectionsUnderFence = 10;

    private readonly PointOfNoReturn _point = new(session);

    /// <summary>The state says Switched: whatever fails after that, the target may be written to already.</summary>
    private bool _handedOver;

    public async Task<TrafficSwitch> RunAsync(CancellationToken cancellationToken)
    {
        await using var operatorLock = await OperatorLock.TakeAsync(session, cancellationToken);
        var row = await session.RequireMigrationAsync(cancellationToken);
        if (row.Phase == MigrationPhase.Switched)
        {
            if (options.Rehearse)
            {
                throw Errors.RehearsalTooLate(session.Name, row.Phase);
            }

            return (await CertificateFile.ReadAsync(session, cancellationToken))?.Switch
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
            await using var comparison = await FencedComparison.PlanAsync(session, [.. tables.Select(table => table.Table).Where(table => table.Mode != TransferMode.LeftOut)], cancellationToken);
            if (row.Phase == MigrationPhase.Replicating)
            {
                await WarmUpAsync(comparison, cancellationToken);
                // The last of it all: what is written from here on is drained under the fence.
                await new Drain(session, replayed).GoOnWithoutDaemonAsync(cancellationToken);
            }

            return await SwitchAsync(tables, replayed, comparison, cancellationToken);
        }
        catch (Exception exception) when (!_handedOver && !_point.IsUnknown)
        {
            await TakeBackAsync(exception, replayed);
            throw;
        }
    }

    /// <summary>All that may take long or fail is done while writes still flow.</summary>
    private async Task PrepareAsync(MigrationRow row, IReadOnlyList<TableRow> tables, IReadOnlyList<TableInfo> replayed, CancellationToken cancellationToken)
    {
        if (row.Phase == MigrationPhase.Switching)
        {
            return;
        }

        await using (var source = await session.OpenSourceAsync(cancellationToken))
        {
            await new SwitchChecks(session).RequireAsync(source, tables, options, cancellationToken);
            await new LargeObjects(session).RefuseAsync(source, cancellationToken);
        }

        StartOperation.TellLeftOut(session, tables);
        // The record of a fence that is gone must not be the one of the next.
        await _fence.ForgetAsync(cancellationToken);
        await RecopyStaleAsync(replayed, cancellationToken);
        await _replication.EnsureRunningAsync(replayed, cancellationToken);
        await _replication.RelieveAsync(replayed, cancellationToken);
        // The backlog of now is drained while writers go on, so that the fence waits for the last moments only.
        if (await new Drain(session, replayed).PassSentinelAsync(TimeSpan.FromSeconds(options.TimeoutSeconds), cancellationToken) is null)
        {
            throw Errors.SwitchRefused(
                $"Changes of now did not reach the target within {options.TimeoutSeconds} s; the fence was not built.", "Wait until Get-SyncStatus shows a small lag, then switch again.");
        }

        await using (var source = await session.OpenSourceAsync(cancellationToken))
        {
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

    private async Task<TrafficSwitch> SwitchAsync(IReadOnlyList<TableRow> tables, IReadOnlyList<TableInfo> replayed, FencedComparison comparison, CancellationToken cancellationToken)
    {
        CertificateFile.Delete(session.Home);
        await session.Store.SaveTargetWritesAsync(null, cancellationToken);
        await session.Store.SetPhaseAsync(MigrationPhase.Switching, cancellationToken);
        session.Events.Verbose("Switching: the fence is being built.");
        await new SchemaRestorer(session).UndoUnderFenceAsync(cancellationToken);
        var fence = await _fence.CloseAsync(options, _clock, () => new CatchUp(session).DrainAsync(replayed, cancellationToken), cancellationToken);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(options.TimeoutSeconds));
        DoneUnderFence done;
        try
        {
            done = await new UnderFence(session, options, tables, replayed, _clock).RunAsync(fence.Record, comparison, limit.Token);
            if (!options.Rehearse)
            {
                await _point.PassAsync(limit.Token);
                _handedOver = true;
            }
        }
        catch (OperationCanceledException) when (!_handedOver && !cancellationToken.IsCancellationRequested)
        {
            throw Errors.DrainTimedOut(options.TimeoutSeconds, "the last copies, keys or sequences were not done");
        }

        var result = Describe(fence, done, tables);
        if (options.Rehearse)
        {
            return await EndRehearsalAsync(result, replayed, cancellationToken);
        }

        result = await CertifyAsync(result, fence.Record, done.Sequences, cancellationToken);
        session.Events.Information($"Switched: the target is safe to write to; writes were held back for {result.WritePauseMs:0} ms, and for up to {result.FailedAttemptsMs:0} ms before by attempts that failed. Materialized views follow.");
        // What they show is derived, and may rest on tables that were copied last; nobody waits for it with a write.
        await new MaterializedViews(session).RefreshAsync(onlyEmpty: false, cancellationToken);
        return result;
    }

    /// <summary>The target is handed over, whatever becomes of its certificate.</summary>
    private async Task<TrafficSwitch> CertifyAsync(TrafficSwitch result, FenceRecord record, IReadOnlyList<SequencePosition> sequences, CancellationToken cancellationToken)
    {
        try
        {
            await CertificateFile.WriteAsync(session, await new CertificateBuilder(session).BuildAsync(result, record, sequences, cancellationToken), cancellationToken);
            return result;
        }
        catch (Exception exception) when (exception is Npgsql.NpgsqlException or MigrationException or IOException or UnauthorizedAccessException)
        {
            session.Events.Warning($"The switch is done, but its certificate could not be written: {exception.Message}");
            return result with { CertificateFile = null };
        }
    }

    /// <summary>A connection takes some ten milliseconds to be made, and as much for its first looks at tables, which none under the fence shall.</summary>
    private async Task WarmUpAsync(FencedComparison comparison, CancellationToken cancellationToken)
    {
        await comparison.WarmUpAsync(TimeSpan.FromMilliseconds(options.CompareBudgetMs), cancellationToken);
        var opened = await Task.WhenAll(Enumerable.Range(0, ConnectionsUnderFence).SelectMany(_ => new[] { session.OpenSourceAsync(cancellationToken), session.OpenTargetAsync(cancellationToken) }));
        foreach (var connection in opened)
        {
            await connection.DisposeAsync();
        }
    }

    /// <summary>Writes go on first; then the target becomes what it was.</summary>
    private async Task<TrafficSwitch> EndRehearsalAsync(TrafficSwitch result, IReadOnlyList<TableInfo> replayed, CancellationToken cancellationToken)
    {
        await _fence.OpenAsync(cancellationToken);
        var held = _clock.SinceZero;
        await GoBackAsync(replayed, cancellationToken);
        session.Events.Information($"Rehearsed: a switch now would hold writes back for about {result.WritePauseMs:0} ms; this rehearsal did so for {held.TotalMilliseconds:0} ms.");
        return result with { Phase = MigrationPhase.Replicating, SafeAt = null, IsRehearsal = true, PredictedPauseMs = result.WritePauseMs, WritePauseMs = Math.Round(held.TotalMilliseconds, 1) };
    }

    private TrafficSwitch Describe(ClosedFence fence, DoneUnderFence done, IReadOnlyList<TableRow> tables)
    {
        // From the first write that was held back, which was in a run before this one where that was killed under the fence.
        var (fencedAt, safeAt) = (fence.Record.FencedAt!.Value, DateTimeOffset.UtcNow);
        return new TrafficSwitch
        {
            Name = session.Name,
            Phase = MigrationPhase.Switched,
            Source = session.SourceSettings.Address,
            Target = session.TargetSettings.Address,
            FencedAt = fencedAt,
            SafeAt = safeAt,
            WritePauseMs = (safeAt - fencedAt).TotalMilliseconds,
            LockAttempts = fence.Locks.Attempts,
            FailedAttemptsMs = fence.Locks.Failed.TotalMilliseconds,
            Blockers = fence.Blockers,
            SentinelMs = done.Sentinel.TotalMilliseconds,
            TablesFenced = fence.Record.Relations.Count(relation => !relation.IsSequence),
            Roles = FencedRoles(fence.Record),
            SequencesSet = done.Sequences.Count,
            LargeObjectsCopied = done.LargeObjects,
            ExtensionTablesCopied = done.ExtensionTables,
            TablesCopiedWhole = [.. done.CopiedWhole.Select(table => table.QualifiedName)],
            TablesLeftOut = MigrationSummary.LeftOut(tables),
            Compared = done.Compared,
            Steps = _clock.Steps,
            UndoFile = session.Home.UndoFile,
            CertificateFile = session.Home.CertificateFile,
        };
    }

    /// <summary>Writes go on at the source whatever it was that failed; a cancelled run is cleaned up after too.</summary>
    private async Task TakeBackAsync(Exception cause, IReadOnlyList<TableInfo> replayed)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        try
        {
            await _fence.OpenAsync(limit.Token);
            await GoBackAsync(replayed, limit.Token);
        }
        catch (Exception second) when (second is MigrationException or Npgsql.NpgsqlException or OperationCanceledException or IOException)
        {
            session.Events.Warning(
                $"The switch failed ({cause.Message}), and taking the fence away failed too ({second.Message}). Run Undo-TrafficSwitch, or psql with {session.Home.UndoFile} on the source.");
        }
    }

    /// <summary>The target as before the fence, which is open already, and replication.</summary>
    private async Task GoBackAsync(IReadOnlyList<TableInfo> replayed, CancellationToken cancellationToken)
    {
        await _fence.ForgetAsync(cancellationToken);
        await new SchemaRestorer(session).UndoUnderFenceAsync(cancellationToken);
        await new ExtensionCarrier(session).TakeBackAsync(cancellationToken);
        await session.Store.SetPhaseAsync(MigrationPhase.Replicating, cancellationToken);
        await _replication.EnsureRunningAsync(replayed, cancellationToken);
        await Worker.LaunchAsync(session, cancellationToken);
    }

    private static IReadOnlyList<string> FencedRoles(FenceRecord record) =>
    [
        .. record.Relations.SelectMany(relation => relation.Grants).Concat(record.LargeObjects.SelectMany(group => group.Grants))
            .Where(grant => grant.Privilege is "INSERT" or "UPDATE" or "DELETE" or "TRUNCATE" or "USAGE")
            .Select(grant => grant.Grantee.Length == 0 ? "PUBLIC" : grant.Grantee).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal),
    ];
}

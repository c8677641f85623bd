using HerokuMigrator.Adoption;
using HerokuMigrator.Capture;
using HerokuMigrator.Catalog;
using HerokuMigrator.Connections;
using HerokuMigrator.Copy;
using HerokuMigrator.Cutover;
using HerokuMigrator.ExtensionRows;
using HerokuMigrator.History;
using HerokuMigrator.Readiness;
using HerokuMigrator.Schema;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Operations;

/// <summary>Brings a migration from wherever it stands to Replicating. Each step leaves alone what an earlier run has done.</summary>
internal sealed class StartOperation(MigrationSession session, StartOptions? options = null)
{
    private static readonly TimeSpan FirstDrainTimeout = TimeSpan.FromHours(24);

    private const int SettlingRounds = 2;

    private readonly Replication _replication = new(session);
    private readonly SchemaRestorer _restorer = new(session);
    private readonly AdoptOperation _adopt = new(session);

    /// <summary>The hand-over that this start was given by; null where no worker does it.</summary>
    public string? HandOverId { get; init; }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await RequireAsync(cancellationToken);
        await using var source = await session.OpenSourceAsync(cancellationToken);
        await using var target = await session.OpenTargetAsync(cancellationToken);
        if (await DatabaseIdentity.IsSameDatabaseAsync(source, target, cancellationToken))
        {
            throw Errors.SameDatabase(session.SourceSettings.Address, session.TargetSettings.Address);
        }

        await using var operatorLock = await OperatorLock.TakeAsync(session, cancellationToken);
        var row = await AdmitAsync(source, cancellationToken);
        await GoOnAsync(source, row, HandOverId, cancellationToken);
        if (HandOverId is { } id)
        {
            await HandOverStore.EndAsync(target, id, null, cancellationToken);
        }

        await Worker.LaunchAsync(session, cancellationToken);
    }

    /// <summary>Before anything is begun.</summary>
    public async Task RequireAsync(CancellationToken cancellationToken)
    {
        if (options is { CarryOver: true })
        {
            await CarryOver.RequireReplicatingAsync(session, cancellationToken);
        }
    }

    /// <summary>All that can be refused at once; begins the migration where there is none. To be called with the operator lock.</summary>
    public async Task<MigrationRow> AdmitAsync(NpgsqlConnection source, CancellationToken cancellationToken)
    {
        var fingerprint = await SourceFingerprint.ReadAsync(source, cancellationToken);
        // A worker has nothing to begin: where there is no state any more, the migration was stopped meanwhile.
        var row = await session.Store.ReadAsync(cancellationToken)
            ?? (HandOverId is null ? await BeginAsync(source, fingerprint, cancellationToken) : throw Errors.UnknownMigration(session.Name));
        Refuse(row, fingerprint);
        await RefuseOtherPlanAsync(row, cancellationToken);
        session.StartOptions = (options ?? new StartOptions()).Over(row.Options);
        await session.Store.SaveOptionsAsync(session.StartOptions, cancellationToken);
        await session.Home.SaveConnectionsAsync(Reveal(session.SourceSettings), Reveal(session.TargetSettings), cancellationToken);
        await session.KeepNotificationUriAsync(cancellationToken);
        if (row.Phase == MigrationPhase.Failed)
        {
            row = row with { Phase = row.Before ?? MigrationPhase.Preparing };
            await session.Store.SetPhaseAsync(row.Phase, cancellationToken);
        }

        return row;
    }

    /// <summary>From wherever it stands to Replicating.</summary>
    public async Task GoOnAsync(NpgsqlConnection source, MigrationRow row, string? handOverId, CancellationToken cancellationToken)
    {
        await using var progress = ProgressLoop.Start(session, handOverId);
        using var work = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, progress.Replaced);
        // It takes seconds, and nobody waits for it before the replication.
        var cluster = session.Cluster.EnsureRunningAsync(work.Token);
        try
        {
            // A partition that was dropped since the plan can be neither captured nor copied.
            await _adopt.LoosenAsync(row, work.Token);
            if (options is { CarryOver: true })
            {
                await new CarryOver(session).RunAsync(row, work.Token);
                // Copied while the others go on being replayed.
                await _adopt.RunAsync(row, work.Token);
            }

            await PrepareAsync(source, row, work.Token);
            await CopyAsync(work.Token);
            await CatchUpAsync(work.Token);
            await _adopt.RunAsync(row, work.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested && progress.Replaced.IsCancellationRequested)
        {
            throw Errors.StartInterrupted(session.Name, "another program has taken it up, or the migration was stopped");
        }
        catch (Exception exception) when (exception is MigrationException or NpgsqlException)
        {
            await NoteFailureAsync(exception);
            throw;
        }
        finally
        {
            await work.CancelAsync();
            await Task.WhenAny(cluster);
        }
    }

    /// <summary>For whoever asks for the status; the error itself goes to whoever started.</summary>
    private async Task NoteFailureAsync(Exception exception)
    {
        var failure = Errors.Known(exception);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        try
        {
            await session.Store.SetFailedAsync($"{failure.ErrorId}: {failure.Message}", limit.Token);
        }
        catch (Exception second) when (second is NpgsqlException or OperationCanceledException)
        {
            session.Events.Verbose($"The failure could not be noted on the target: {second.Message}");
        }
    }

    /// <summary>From copied rows to replication: also the way back after an undone switch.</summary>
    public async Task CatchUpAsync(CancellationToken cancellationToken)
    {
        var tables = await session.Store.ReadTablesAsync(cancellationToken);
        var replayed = tables.Select(table => table.Table).Where(table => table.Mode == TransferMode.Replayed).ToList();
        if (!await IsSchemaCompleteAsync(cancellationToken))
        {
            await session.Store.SetPhaseAsync(MigrationPhase.CatchingUp, cancellationToken);
            await _restorer.RestoreAsync(SchemaStage.Keys, cancellationToken);
            if (!await IsOneSnapshotAsync(replayed, cancellationToken) && !await TryDrainWithoutDaemonAsync(replayed, cancellationToken))
            {
                await _replication.EnsureRunningAsync(replayed, cancellationToken);
                await FirstDrainAsync(replayed, cancellationToken);
                await SettleAsync(replayed, cancellationToken);
                // Index and foreign key builds lock out what Bucardo applies, and both sides are one snapshot just now.
                await _replication.StopDaemonAsync(cancellationToken);
            }

            await DeferForeignKeysAsync(replayed, cancellationToken);
            // Foreign keys may refer to them, from rows that came since.
            await new ExtensionCarrier(session).CarryEarlyAsync(tell: false, cancellationToken);
            await _restorer.RestoreAsync(SchemaStage.AfterDrain, await new TargetStatistics(session).PlanAsync(cancellationToken), FinishTargetAsync, cancellationToken);
        }

        await Task.WhenAll(FinishTargetAsync(cancellationToken), _replication.EnsureRunningAsync(replayed, cancellationToken));
        // An undo that was killed may have left the record of a fence that is gone.
        await new Fence(session).ForgetAsync(cancellationToken);
        await session.Store.SetPhaseAsync(MigrationPhase.Replicating, cancellationToken);
        session.Events.Information($"Migration '{session.Name}' is replicating {replayed.Count} tables.");
    }

    /// <summary>The connection string as it was given, for the home's private file.</summary>
    private static string Reveal(ConnectionSettings settings) => settings.Address.RevealConnectionString()!;

    private async Task<MigrationRow> BeginAsync(NpgsqlConnection source, string fingerprint, CancellationToken cancellationToken)
    {
        await CaptureInstaller.RefuseForeignAsync(source, null, cancellationToken);
        var report = await ReadinessRun.RunAsync(session, new ReadinessOptions { ChecksOnly = true }, null, cancellationToken);
        if (!report.IsReady)
        {
            throw Errors.NotReady(report);
        }

        var choice = (options ?? new StartOptions()).Keyless;
        await KeylessPolicy.RequireAsync(source, KeylessPolicy.Apply(await CatalogReader.ReadTablesAsync(source, cancellationToken), choice), choice, cancellationToken);
        session.Home.Create();
        File.Delete(session.Home.HistoryFile);
        await session.Store.CreateAsync(Guid.NewGuid().ToString("N"), session.Name, fingerprint, cancellationToken);
        await StartReadiness.SaveAsync(session, report, cancellationToken);
        session.Events.Information($"Migration '{session.Name}' begun: {session.SourceSettings.Address} -> {session.TargetSettings.Address}.");
        return (await session.Store.ReadAsync(cancellationToken))!;
    }

    private void Refuse(MigrationRow row, string fingerprint)
    {
        if (row.Name != session.Name)
        {
            throw Errors.OtherName(session.Name, row.Name);
        }

        if (row.SourceFingerprint != fingerprint)
        {
            throw Errors.OtherSource(session.Name);
        }

        switch (row.Phase)
        {
            case MigrationPhase.Switching:
                throw Errors.WrongPhase(session.Name, "a start", row.Phase, "Finish the switch with Invoke-TrafficSwitch, or take it back with Undo-TrafficSwitch.");
            case MigrationPhase.Switched:
                throw Errors.WrongPhase(session.Name, "a start", row.Phase, "Go on with Complete-Migration, or go back with Undo-TrafficSwitch.");
            case MigrationPhase.Completing:
                throw Errors.WrongPhase(session.Name, "a start", row.Phase, "Run Complete-Migration again; it goes on.");
            case MigrationPhase.Aborted:
                throw Errors.WrongPhase(session.Name, "a start", row.Phase, "Run Stop-Migration again; it goes on.");
            default:
                break;
        }
    }

    /// <summary>Which way a table goes is planned once.</summary>
    private async Task RefuseOtherPlanAsync(MigrationRow row, CancellationToken cancellationToken)
    {
        if (options?.KeylessTable is { } choice && choice != row.Options.Keyless && await _restorer.HasEntriesAsync(cancellationToken))
        {
            throw Errors.KeylessTableFixed(session.Name, row.Options.Keyless, choice);
        }
    }

    private async Task PrepareAsync(NpgsqlConnection source, MigrationRow row, CancellationToken cancellationToken)
    {
        var planned = await session.Store.ReadTablesAsync(cancellationToken);
        if (!await _restorer.HasEntriesAsync(cancellationToken))
        {
            var catalog = await CatalogReader.ReadAsync(source, cancellationToken);
            var tables = KeylessPolicy.Apply(catalog.Tables, session.StartOptions.Keyless);
            await KeylessPolicy.RequireAsync(source, tables, session.StartOptions.Keyless, cancellationToken);
            var entries = await new SchemaDump(session).ReadAsync(tables, cancellationToken);
            await new ExtensionCarrier(session).NoteKeptAsync(cancellationToken);
            // The entries come last: they tell that the others are there.
            await session.Store.SavePlanAsync(tables, cancellationToken);
            await _restorer.SaveAsync(entries, cancellationToken);
            planned = await session.Store.ReadTablesAsync(cancellationToken);
            TellLeftOut(session, planned);
        }

        await KnownNames.KeepTablesAsync(session.Home, planned, cancellationToken);
        await _restorer.RestoreBeforeDataAsync(cancellationToken);
        // Rows of the application may need them as soon as they are copied: a reference system, for one.
        await new ExtensionCarrier(session).CarryEarlyAsync(tell: true, cancellationToken);
        var installer = new CaptureInstaller(session.Source, session.Events);
        await installer.InstallAsync(row.Id, [.. planned.Select(table => table.Table).Where(table => table.Mode == TransferMode.Replayed)], cancellationToken);
        await new WriteMarks(session.Source, session.Events).InstallAsync([.. planned.Where(table => table.Table.Mode == TransferMode.CopiedWhole)], cancellationToken);
    }

    public static void TellLeftOut(MigrationSession session, IEnumerable<TableRow> tables)
    {
        if (MigrationSummary.LeftOut(tables) is { Count: > 0 } names)
        {
            session.Events.Warning($"{names.Count} tables have no usable key and are left out, as -KeylessTable Skip says: they are made on the target, and none of their rows is copied: {string.Join(", ", names)}.");
        }
    }

    /// <summary>The tables that have no copy yet, or whose copy was declared stale.</summary>
    public async Task CopyAsync(CancellationToken cancellationToken)
    {
        var tables = await session.Store.ReadTablesAsync(cancellationToken);
        if (tables.All(table => table.Copied) && await IsSchemaCompleteAsync(cancellationToken))
        {
            return;
        }

        if (tables.Any(table => !table.Copied))
        {
            await session.Store.SetPhaseAsync(MigrationPhase.Copying, cancellationToken);
        }

        await _replication.StopDaemonAsync(cancellationToken);
        await new InitialCopy(session).RunAsync(tables, cancellationToken);
    }

    /// <summary>Where nothing was captured since the first table was read, all copies show this very moment.</summary>
    private async Task<bool> IsOneSnapshotAsync(IReadOnlyList<TableInfo> replayed, CancellationToken cancellationToken)
    {
        await using var source = await session.OpenSourceAsync(cancellationToken);
        return await new DeltaBacklog(replayed).IsEmptyAsync(source, cancellationToken) && (await new StaleTables(session).FindAsync(replayed, cancellationToken)).Count == 0;
    }

    /// <summary>
    /// The first drain and what <see cref="SettleAsync"/> does, by statements of ours; false where Bucardo has to do it.
    /// Not for ever here, either: a table that is written at each moment under keys that cannot be replayed is left for the fence.
    /// </summary>
    private async Task<bool> TryDrainWithoutDaemonAsync(IReadOnlyList<TableInfo> replayed, CancellationToken cancellationToken)
    {
        session.Events.Progress(new OperationProgress("Catching up", "applying what changed during the copy"));
        await _replication.StopDaemonAsync(cancellationToken);
        var (drain, stale) = (new SnapshotDrain(session), new StaleTables(session));
        for (var round = 0; ; round++)
        {
            await new CatchUp(session).ApplyAsync(replayed, cancellationToken);
            if (!await drain.TryApplyAsync(replayed, cancellationToken))
            {
                return false;
            }

            var tables = await stale.FindAsync(replayed, cancellationToken);
            if (tables.Count == 0 || round == SettlingRounds)
            {
                return true;
            }

            session.Events.Verbose($"Copying once more what the replay cannot carry: {string.Join(", ", tables)}.");
            await stale.RecopyAsync(tables, cancellationToken);
        }
    }

    /// <summary>After it, every replayed table is as the source was at one moment.</summary>
    private async Task FirstDrainAsync(IReadOnlyList<TableInfo> replayed, CancellationToken cancellationToken)
    {
        session.Events.Progress(new OperationProgress("Catching up", "replaying what changed during the copy"));
        await using (var source = await session.OpenSourceAsync(cancellationToken))
        {
            // A plan made for an empty table would make the first, biggest run quadratic.
            await new DeltaBacklog(replayed).PurgeAsync(source, cancellationToken);
        }

        // A start that was killed may have left a daemon to which too much has come since.
        await _replication.RelieveAsync(replayed, cancellationToken);
        await DrainAsync(replayed, cancellationToken);
    }

    private async Task DrainAsync(IReadOnlyList<TableInfo> replayed, CancellationToken cancellationToken)
    {
        if (await new Drain(session, replayed).PassSentinelAsync(FirstDrainTimeout, cancellationToken) is null)
        {
            throw Errors.DaemonFailed($"the first drain took longer than {FirstDrainTimeout.TotalHours:0} hours", session.Daemon.LogFile);
        }
    }

    /// <summary>
    /// Rows that the replay could not carry are copied once more, and what happened meanwhile is replayed, so that foreign keys find both sides of them.
    /// Not for ever: a table that is written so at each moment is left for the fence.
    /// </summary>
    private async Task SettleAsync(IReadOnlyList<TableInfo> replayed, CancellationToken cancellationToken)
    {
        var stale = new StaleTables(session);
        for (var round = 0; round < SettlingRounds; round++)
        {
            var tables = await stale.FindAsync(replayed, cancellationToken);
            if (tables.Count == 0)
            {
                return;
            }

            session.Events.Verbose($"Copying once more what the replay cannot carry: {string.Join(", ", tables)}.");
            await stale.RecopyAsync(tables, replayed, cancellationToken);
            await DrainAsync(replayed, cancellationToken);
        }
    }

    private async Task DeferForeignKeysAsync(IReadOnlyList<TableInfo> replayed, CancellationToken cancellationToken)
    {
        var unsettled = await new StaleTables(session).FindAsync(replayed, cancellationToken);
        if (unsettled.Count == 0)
        {
            return;
        }

        await using var source = await session.OpenSourceAsync(cancellationToken);
        var keys = await SchemaDump.ForeignKeysOfAsync(source, unsettled, cancellationToken);
        if (await _restorer.DeferForeignKeysAsync(keys, cancellationToken) is > 0 and var count)
        {
            session.Events.Information(
                $"{count} foreign keys are made under the fence, as rows of these tables are written under keys that cannot be replayed: {string.Join(", ", unsettled)}.");
        }
    }

    private async Task FinishTargetAsync(CancellationToken cancellationToken)
    {
        await new MaterializedViews(session).RefreshAsync(onlyEmpty: true, cancellationToken);
        await new TargetStatistics(session).AnalyzeAsync(cancellationToken);
    }

    private async Task<bool> IsSchemaCompleteAsync(CancellationToken cancellationToken)
    {
        await using var target = await session.OpenTargetAsync(cancellationToken);
        return !await target.ScalarAsync<bool>(
            "SELECT EXISTS (SELECT FROM heroku_migrator.schema_entry WHERE done_at IS NULL AND stage IN ('Keys', 'AfterDrain'))", cancellationToken);
    }
}

using HerokuMigrator.Cutover;
using HerokuMigrator.Schema;
using HerokuMigrator.State;

namespace HerokuMigrator.Operations;

/// <summary>Lets writes go on at the source, at once, and then brings the replication back.</summary>
internal sealed class UndoOperation(MigrationSession session)
{
    public async Task<TrafficSwitch> RunAsync(CancellationToken cancellationToken)
    {
        await using var operatorLock = await TakeTargetAsync(cancellationToken);
        var row = await session.RequireMigrationAsync(cancellationToken);
        if (row.Phase is not (MigrationPhase.Switching or MigrationPhase.Switched))
        {
            throw Errors.WrongPhase(session.Name, "an undo", row.Phase, "There is no switch to undo; Get-SyncStatus shows where the migration stands.");
        }

        await session.RequireSourceAsync(row, cancellationToken);
        if (row.Phase == MigrationPhase.Switched)
        {
            // From here on nothing but an undo may follow: a completion of a migration whose source takes writes again would lose them.
            await session.Store.SetPhaseAsync(MigrationPhase.Switching, cancellationToken);
        }

        var fence = new Fence(session);
        var record = await fence.OpenAsync(cancellationToken);
        var start = new StartOperation(session);
        var written = await RewindAsync(cancellationToken);
        await fence.ForgetAsync(cancellationToken);
        await start.CopyAsync(cancellationToken);
        await start.CatchUpAsync(cancellationToken);
        Worker.Launch(session);
        return new TrafficSwitch
        {
            Name = session.Name,
            Phase = MigrationPhase.Replicating,
            Source = session.SourceSettings.Address,
            Target = session.TargetSettings.Address,
            TablesFenced = record?.Relations.Count(relation => !relation.IsSequence) ?? 0,
            Roles = record is null ? [] : [.. record.Relations.SelectMany(relation => relation.Grants).Select(grant => grant.Grantee.Length == 0 ? "PUBLIC" : grant.Grantee).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)],
            TablesWrittenOnTarget = written,
            UndoFile = session.Home.UndoFile,
        };
    }

    /// <summary>With a target out of reach the source can still be opened: by the SQL on disk.</summary>
    private async Task<OperatorLock> TakeTargetAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await OperatorLock.TakeAsync(session, cancellationToken);
        }
        catch (MigrationException exception) when (!exception.IsRefusal && File.Exists(session.Home.UndoFile))
        {
            throw Errors.WithAdvice(exception, $"To let writes go on at the source at once, run psql with {session.Home.UndoFile} there.");
        }
    }

    /// <summary>The state as before the switch; what was written on the target meanwhile is replaced by the source's rows.</summary>
    private async Task<IReadOnlyList<string>> RewindAsync(CancellationToken cancellationToken)
    {
        await new SchemaRestorer(session).UndoUnderFenceAsync(cancellationToken);
        var written = await new TargetWrites(session).FindAsync(cancellationToken);
        if (written.Count > 0)
        {
            session.Events.Warning(
                $"These tables were written on the target since the switch; those writes are not on the source, and the source's rows replace them now: {string.Join(", ", written)}.");
        }

        var stale = (await session.Store.ReadTablesAsync(cancellationToken)).Select(table => table.Table)
            .Where(table => written.Contains(table.QualifiedName, StringComparer.Ordinal)).ToList();
        await session.Store.ForgetCopyAsync(stale, cancellationToken);
        await session.Store.SetPhaseAsync(MigrationPhase.CatchingUp, cancellationToken);
        return written;
    }
}

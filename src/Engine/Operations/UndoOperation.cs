using HerokuMigrator.Catalog;
using HerokuMigrator.Cutover;
using HerokuMigrator.ExtensionRows;
using HerokuMigrator.Schema;
using HerokuMigrator.State;

namespace HerokuMigrator.Operations;

/// <summary>Lets writes go on at the source, at once, and then brings the replication back.</summary>
internal sealed class UndoOperation(MigrationSession session)
{
    /// <summary>Looks for writes that came to the target while the undo was at work; somebody who never stops is told so.</summary>
    private const int LaterLooks = 2;

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
        var written = await RewindAsync(fence, start, cancellationToken);
        await start.CatchUpAsync(cancellationToken);
        await Worker.LaunchAsync(session, cancellationToken);
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
    private async Task<IReadOnlyList<string>> RewindAsync(Fence fence, StartOperation start, CancellationToken cancellationToken)
    {
        await new SchemaRestorer(session).UndoUnderFenceAsync(cancellationToken);
        await new ExtensionCarrier(session).TakeBackAsync(cancellationToken);
        var tables = (await session.Store.ReadTablesAsync(cancellationToken)).Select(table => table.Table).Where(table => table.Mode != TransferMode.LeftOut).ToList();
        var writes = new TargetWrites(session);
        var names = tables.ConvertAll(table => table.QualifiedName);
        // What is written to a table that is left out belongs to the target.
        IReadOnlyList<string> written = [.. (await writes.FindAsync(names, cancellationToken)).Intersect(names, StringComparer.Ordinal)];
        await ForgetCopyAsync(tables, written, cancellationToken);
        // No key tells their rows apart, so whatever became of them on the target, the next switch copies them all.
        await session.Store.ForgetVersionsAsync([.. tables.Where(table => table.Mode == TransferMode.CopiedWhole)], cancellationToken);
        await fence.ForgetAsync(MigrationPhase.CatchingUp, cancellationToken);
        await start.CopyAsync(cancellationToken);
        var all = new SortedSet<string>(written, StringComparer.Ordinal);
        for (var look = 0; look < LaterLooks; look++)
        {
            written = [.. (await writes.FindLaterAsync(written, cancellationToken)).Intersect(names, StringComparer.Ordinal)];
            if (written.Count == 0)
            {
                break;
            }

            all.UnionWith(written);
            await ForgetCopyAsync(tables, written, cancellationToken);
            await start.CopyAsync(cancellationToken);
        }

        return [.. all];
    }

    private async Task ForgetCopyAsync(IReadOnlyList<TableInfo> tables, IReadOnlyList<string> written, CancellationToken cancellationToken)
    {
        if (written.Count > 0)
        {
            session.Events.Warning(
                $"These tables were written on the target since the switch; those writes are not on the source, and the source's rows replace them now: {string.Join(", ", written)}.");
            var names = written.ToHashSet(StringComparer.Ordinal);
            await session.Store.ForgetCopyAsync([.. tables.Where(table => names.Contains(table.QualifiedName))], cancellationToken);
        }
    }
}

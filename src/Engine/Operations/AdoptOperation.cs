using HerokuMigrator.Adoption;
using HerokuMigrator.Capture;
using HerokuMigrator.Catalog;
using HerokuMigrator.Copy;
using HerokuMigrator.Cutover;
using HerokuMigrator.Schema;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Operations;

/// <summary>
/// Follows partitions that are made, attached, detached and dropped on the source while it is replicated. Whoever calls holds the operator lock.
/// Each step leaves alone what an earlier run has done, so one that was killed goes on.
/// </summary>
internal sealed class AdoptOperation(MigrationSession session)
{
    /// <summary>The lock is held meanwhile; a drain that takes longer is waited for by the next run.</summary>
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(60);

    private readonly Replication _replication = new(session);
    private readonly SchemaRestorer _restorer = new(session);
    private readonly PartitionFollower _follower = new(session);

    /// <summary>True where the target does not have the source's partitions yet. Takes no lock.</summary>
    public async Task<bool> IsNeededAsync(CancellationToken cancellationToken)
    {
        var tables = await session.Store.ReadTablesAsync(cancellationToken);
        return tables.Any(row => !row.Copied) || await _restorer.HasPendingAsync(cancellationToken) || (await ReadAsync(tables, cancellationToken)).Any;
    }

    /// <summary>Drops and detaches on the target only: no row can stand in the way of that, and rows of now could otherwise be refused there.</summary>
    public async Task LoosenAsync(MigrationRow row, CancellationToken cancellationToken)
    {
        var tables = await session.Store.ReadTablesAsync(cancellationToken);
        if (!tables.Any(table => table.Copied))
        {
            // The capture may not be there yet.
            return;
        }

        var changes = await ReadAsync(tables, cancellationToken);
        if (changes.Gone.Count + changes.GoneParents.Count + changes.Detached.Count == 0)
        {
            return;
        }

        // What is not on another database was not dropped.
        await session.RequireSourceAsync(row, cancellationToken);
        await _follower.RequireCaptureAsync(row.Id, cancellationToken);
        await _replication.StopDaemonAsync(cancellationToken);
        await _follower.LoosenAsync(changes, cancellationToken);
        await TellAsync(changes.Gone.Select(table => $"Partition {table} was dropped on the source, and now on the target.")
            .Concat(changes.GoneParents.Select(node => $"Partition {node.QualifiedName} was dropped on the source, and now on the target."))
            .Concat(changes.Detached.Select(node => $"{node.QualifiedName} was detached from {node.Parent} on the source, and now on the target.")), cancellationToken);
    }

    public async Task RunAsync(MigrationRow row, CancellationToken cancellationToken)
    {
        if (!await IsNeededAsync(cancellationToken))
        {
            return;
        }

        await session.RequireSourceAsync(row, cancellationToken);
        await LoosenAsync(row, cancellationToken);
        // A copy may take long; what is replicated already goes on meanwhile.
        await _replication.EnsureRunningAsync(await session.Store.ReadReplayedAsync(cancellationToken), cancellationToken);
        await PlanAsync(cancellationToken);
        await CopyAsync(row, cancellationToken);
        var replayed = await session.Store.ReadReplayedAsync(cancellationToken);
        await _replication.EnsureConfiguredAsync(replayed, cancellationToken);
        if (await new Drain(session, replayed).PassSentinelAsync(DrainTimeout, cancellationToken) is null)
        {
            throw Errors.AdoptionDelayed(DrainTimeout);
        }

        // Both sides are one snapshot just now, which foreign keys and the bounds of default partitions need.
        await _replication.StopDaemonAsync(cancellationToken);
        try
        {
            await CompleteAsync(cancellationToken);
        }
        finally
        {
            await _replication.EnsureRunningAsync(replayed, cancellationToken);
        }
    }

    private async Task CompleteAsync(CancellationToken cancellationToken)
    {
        var tables = await session.Store.ReadTablesAsync(cancellationToken);
        // A partition made since the plan waits for the next run, and so does what hangs on it.
        var changes = await ReadAsync(tables, cancellationToken);
        var later = changes.New.Select(node => node.QualifiedName).ToHashSet(StringComparer.Ordinal);
        await _restorer.RestoreAsync(SchemaStage.AfterDrain, cancellationToken);
        foreach (var node in changes.Attached.Where(node => !later.Contains(node.QualifiedName) && !later.Contains(node.Parent!)).OrderByDescending(changes.Source.DepthOf))
        {
            await _follower.AttachAsync(node, changes.Source, [.. tables.Select(row => row.Table)], cancellationToken);
            await TellAsync([$"Partition {node.QualifiedName} of {node.Parent} was attached on the source, and now on the target."], cancellationToken);
        }

        await new TargetStatistics(session).AnalyzeAsync(cancellationToken);
    }

    /// <summary>Dump before capture, so that its triggers are not in it; plan and entries in one transaction.</summary>
    private async Task PlanAsync(CancellationToken cancellationToken)
    {
        var planned = await session.Store.ReadTablesAsync(cancellationToken);
        var changes = await ReadAsync(planned, cancellationToken);
        if (changes.New.Count == 0)
        {
            return;
        }

        await using var source = await session.OpenSourceAsync(cancellationToken);
        var oids = changes.New.Select(node => node.Oid).ToHashSet();
        var taken = planned.Where(row => row.Table.Mode == TransferMode.Replayed).Select(row => CaptureNames.For(row.Table).Delta).ToHashSet(StringComparer.Ordinal);
        var tables = (await CatalogReader.ReadTablesAsync(source, cancellationToken)).Where(table => oids.Contains(table.Oid))
            .Select(table => TransferPlan.Beside(table, taken)).ToList();
        tables = [.. KeylessPolicy.Apply(tables, session.StartOptions.Keyless)];
        var entries = await new SchemaDump(session).ReadPartitionsAsync(changes.New, tables, cancellationToken);
        await _restorer.AppendAsync(entries, tables, cancellationToken);
        await TellAsync(tables.Select(table => $"Partition {table} has appeared on the source; {Way(table)}."), cancellationToken);
    }

    private static string Way(TableInfo table) => table.Mode switch
    {
        TransferMode.CopiedWhole => $"it is moved too, and copied whole under the fence, as {table.ModeReason}",
        TransferMode.LeftOut => $"it is made on the target without its rows, as {table.ModeReason}",
        _ => "it is moved too",
    };

    /// <summary>The daemon runs meanwhile: it does not know these tables yet.</summary>
    private async Task CopyAsync(MigrationRow row, CancellationToken cancellationToken)
    {
        await _restorer.RestoreBeforeDataAsync(cancellationToken);
        var pending = (await session.Store.ReadTablesAsync(cancellationToken)).Where(table => !table.Copied).Select(table => table.Table).ToList();
        if (pending.Count > 0)
        {
            await new CaptureInstaller(session.Source, session.Events).InstallAsync(row.Id, [.. pending.Where(table => table.Mode == TransferMode.Replayed)], cancellationToken);
            await new TableCopier(session).CopyAsync(pending, 0, cancellationToken);
        }

        await _restorer.RestoreAsync(SchemaStage.Keys, cancellationToken);
    }

    private async Task<PartitionChanges> ReadAsync(IReadOnlyList<TableRow> tables, CancellationToken cancellationToken)
    {
        await using var source = await session.OpenSourceAsync(cancellationToken);
        await using var target = await session.OpenTargetAsync(cancellationToken);
        return await PartitionChanges.ReadAsync(source, target, tables, cancellationToken);
    }

    private async Task TellAsync(IEnumerable<string> messages, CancellationToken cancellationToken)
    {
        foreach (var message in messages)
        {
            session.Events.Information(message);
            await session.Store.LogAsync("partition", message, cancellationToken);
        }
    }
}

using HerokuMigrator.Capture;
using HerokuMigrator.Catalog;
using HerokuMigrator.Copy;
using HerokuMigrator.Operations;
using HerokuMigrator.State;
using Npgsql;

namespace HerokuMigrator.Adoption;

/// <summary>Brings the target's partitions to where the source's are. Bucardo must not run meanwhile: it would wait for the locks, or hold them.</summary>
internal sealed class PartitionFollower(MigrationSession session)
{
    /// <summary>A database without our capture is not the one that the plan was made for, whatever it is called.</summary>
    public async Task RequireCaptureAsync(string migrationId, CancellationToken cancellationToken)
    {
        await using var source = await session.OpenSourceAsync(cancellationToken);
        var markers = await CaptureInstaller.ReadMarkersAsync(source, cancellationToken);
        if (!markers.Contains(("bucardo", CaptureInstaller.MarkerPrefix + migrationId)))
        {
            throw Errors.OtherSource(session.Name);
        }
    }

    public async Task LoosenAsync(PartitionChanges changes, CancellationToken cancellationToken)
    {
        await using var source = await session.OpenSourceAsync(cancellationToken);
        await using var target = await session.OpenTargetAsync(cancellationToken);
        foreach (var node in changes.Detached)
        {
            await target.ExecuteAsync($"ALTER TABLE {node.Parent} DETACH PARTITION {node.QualifiedName}", cancellationToken);
        }

        foreach (var table in changes.Gone)
        {
            await DropAsync(source, target, table, cancellationToken);
        }

        foreach (var node in changes.GoneParents)
        {
            // Its partitions would be dropped with it, and one that is left is not known to be gone.
            if (!await target.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM pg_inherits WHERE inhparent = to_regclass($1))", cancellationToken, node.QualifiedName))
            {
                await target.ExecuteAsync("DROP TABLE " + node.QualifiedName, cancellationToken);
            }
        }
    }

    /// <summary>What keeps a default partition from giving way may be rows that only its last copy takes away.</summary>
    public async Task AttachAsync(PartitionNode node, PartitionTree tree, IReadOnlyList<TableInfo> tables, CancellationToken cancellationToken)
    {
        var attach = $"ALTER TABLE ONLY {node.Parent} ATTACH PARTITION {node.QualifiedName} {node.Bound}";
        try
        {
            await ExecuteAsync(attach, cancellationToken);
        }
        catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.CheckViolation or PostgresErrorCodes.ForeignKeyViolation)
        {
            var leaves = tree.Nodes.Where(other => other.Parent == node.Parent && other.IsDefault).Append(node).SelectMany(tree.LeavesOf).Select(leaf => leaf.QualifiedName)
                .ToHashSet(StringComparer.Ordinal);
            session.Events.Verbose($"{node.QualifiedName} cannot be attached yet ({exception.MessageText}): it is copied once more, with the default partition.");
            await new TableCopier(session).CopyAsync([.. tables.Where(table => table.Mode != TransferMode.LeftOut && leaves.Contains(table.QualifiedName))], 0, cancellationToken);
            await ExecuteAsync(attach, cancellationToken);
        }
    }

    private async Task ExecuteAsync(string sql, CancellationToken cancellationToken)
    {
        // Bounds are checked by the schema's own operators and functions.
        var settings = await session.ReadApplicationSettingsAsync(cancellationToken);
        await using var target = await session.OpenTargetAsync(cancellationToken);
        await using var transaction = await target.BeginTransactionAsync(cancellationToken);
        await target.ExecuteAsync(settings.SetLocal, cancellationToken);
        await target.ExecuteAsync(sql, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>What the target and the state have of a table that the source has no more.</summary>
    public static async Task DropAsync(NpgsqlConnection source, NpgsqlConnection target, TableInfo table, CancellationToken cancellationToken)
    {
        // Its capture first: a partition of that name that comes later needs its own, and the state tells until then that there is something to remove.
        await CaptureRemover.RemoveObjectsOfDroppedAsync(source, table, cancellationToken);
        await using var transaction = await target.BeginTransactionAsync(cancellationToken);
        await target.ExecuteAsync("SET LOCAL client_min_messages = warning", cancellationToken);
        await target.ExecuteAsync("DROP TABLE IF EXISTS " + table.QualifiedName, cancellationToken);
        await StateStore.ForgetTableAsync(target, table, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }
}

using HerokuMigrator.Capture;
using HerokuMigrator.Catalog;
using HerokuMigrator.Operations;

namespace HerokuMigrator.Copy;

/// <summary>
/// Chunks are read one after the other, each as the table is then. A row that an UPDATE moves from one to another meanwhile may be on the target twice, or not at all,
/// and two rows may claim one unique value. All such rows were captured, so their keys are waiting to be replayed: without them, what is on the target
/// is as every moment of the copy had it, and the replay brings them back as they are.
/// </summary>
internal sealed class CapturedDuplicates(MigrationSession session)
{
    /// <summary>To be called between the last chunk and the first key of the table, before any of its changes is replayed. Returns the rows removed.</summary>
    public async Task<int> RemoveAsync(TableInfo table, CancellationToken cancellationToken)
    {
        var delta = CaptureNames.InBucardo(CaptureNames.For(table).Delta);
        await using var source = await session.Source.OpenConnectionAsync(cancellationToken);
        if (!await source.ScalarAsync<bool>($"SELECT EXISTS (SELECT FROM {delta})", cancellationToken))
        {
            return 0;
        }

        await using var target = await session.Target.OpenConnectionAsync(cancellationToken);
        await using var transaction = await target.BeginTransactionAsync(cancellationToken);
        // Key types of extensions are compared by operators that are not in pg_catalog.
        var settings = await session.ReadApplicationSettingsAsync(cancellationToken);
        await target.ExecuteAsync("SET LOCAL session_replication_role = replica; " + settings.SetLocal, cancellationToken);
        await CapturedKeys.SendAsync(source, $"SELECT DISTINCT {SqlName.List(table.Key)} FROM {delta}", target, table, cancellationToken);
        var removed = await CapturedKeys.DeleteAsync(target, table, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return removed;
    }
}

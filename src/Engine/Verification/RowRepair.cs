using System.Globalization;
using HerokuMigrator.Operations;
using HerokuMigrator.State;

namespace HerokuMigrator.Verification;

/// <summary>Has rows replayed once more: their keys are noted on the source as if they had just been changed.</summary>
internal sealed class RowRepair(MigrationSession session)
{
    private const int KeysAStatement = 5000;

    /// <summary>Under the operator lock, as a switch must not find changes after it has proven that there are none.</summary>
    public async Task ReplayAsync(ComparisonSql sql, IReadOnlyList<RowKey> keys, CancellationToken cancellationToken)
    {
        await using var operatorLock = await OperatorLock.TakeAsync(session, cancellationToken);
        await RequireReplicatingAsync(session, cancellationToken);
        var settings = await session.ReadApplicationSettingsAsync(cancellationToken);
        await using var source = await session.OpenSourceAsync(cancellationToken);
        foreach (var batch in keys.Chunk(KeysAStatement))
        {
            await using var transaction = await source.BeginTransactionAsync(cancellationToken);
            await source.ExecuteAsync(settings.SetLocal, cancellationToken);
            foreach (var statement in sql.Replay)
            {
                await source.ExecuteAsync(statement, cancellationToken, ComparisonSql.Parameters(batch));
            }

            await transaction.CommitAsync(cancellationToken);
        }

        session.Events.Information($"{keys.Count.ToString(CultureInfo.InvariantCulture)} rows of {sql.Table} are replayed once more.");
    }

    /// <summary>For a table without a usable key: it is copied again under the fence, though nobody has written it on the source.</summary>
    public async Task CopyUnderFenceAsync(ComparisonSql sql, CancellationToken cancellationToken)
    {
        await using var operatorLock = await OperatorLock.TakeAsync(session, cancellationToken);
        await RequireReplicatingAsync(session, cancellationToken);
        await session.Store.ForgetVersionsAsync([sql.Table], cancellationToken);
        session.Events.Information($"{sql.Table} is copied again under the fence.");
    }

    public static async Task RequireReplicatingAsync(MigrationSession session, CancellationToken cancellationToken)
    {
        var row = await session.RequireMigrationAsync(cancellationToken);
        if (row.Phase != MigrationPhase.Replicating)
        {
            throw Errors.WrongPhase(session.Name, "a repair", row.Phase, row.Phase == MigrationPhase.Suspended
                ? "Run Resume-BucardoSync, then Test-MigrationData -Repair again."
                : "Rows are repaired by the replication; Get-SyncStatus shows where the migration stands.");
        }
    }
}

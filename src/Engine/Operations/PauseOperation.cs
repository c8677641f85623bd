using HerokuMigrator.State;

namespace HerokuMigrator.Operations;

/// <summary>Stops replaying, or goes on. Capture goes on all the while, so nothing is lost but time.</summary>
internal sealed class PauseOperation(MigrationSession session)
{
    public async Task SuspendAsync(CancellationToken cancellationToken)
    {
        // Before the lock too: a start that is under way has it, and what is asked for is not possible then.
        await RequireSuspendableAsync(cancellationToken);
        await using var operatorLock = await OperatorLock.TakeAsync(session, cancellationToken);
        await RequireSuspendableAsync(cancellationToken);

        await session.Store.SetPhaseAsync(MigrationPhase.Suspended, cancellationToken);
        await Worker.EndAsync(session, cancellationToken);
        await new Replication(session).StopDaemonAsync(cancellationToken);
        session.Events.Information($"Migration '{session.Name}' is suspended; changes are still captured on the source.");
    }

    private async Task RequireSuspendableAsync(CancellationToken cancellationToken)
    {
        var row = await session.RequireMigrationAsync(cancellationToken);
        if (row.Phase is not (MigrationPhase.Replicating or MigrationPhase.Suspended))
        {
            throw Errors.WrongPhase(session.Name, "a suspension", row.Phase, "Only a migration that is replicating can be suspended; Get-SyncStatus shows where it stands.");
        }
    }

    public async Task ResumeAsync(CancellationToken cancellationToken)
    {
        await using var operatorLock = await OperatorLock.TakeAsync(session, cancellationToken);
        var row = await session.RequireMigrationAsync(cancellationToken);
        if (row.Phase is not (MigrationPhase.Suspended or MigrationPhase.Replicating))
        {
            throw Errors.WrongPhase(session.Name, "a resumption", row.Phase, "Only a suspended migration can be resumed; an interrupted one goes on with Start-BucardoSync.");
        }

        await session.RequireSourceAsync(row, cancellationToken);
        await new Replication(session).EnsureRunningAsync(await session.Store.ReadReplayedAsync(cancellationToken), cancellationToken);
        await session.Store.SetPhaseAsync(MigrationPhase.Replicating, cancellationToken);
        await Worker.LaunchAsync(session, cancellationToken);
        session.Events.Information($"Migration '{session.Name}' replicates again.");
    }
}

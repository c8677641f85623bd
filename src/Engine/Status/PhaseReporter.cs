namespace HerokuMigrator.Status;

/// <summary>Tells the face of the phase that is found first, and then of each change.</summary>
internal sealed class PhaseReporter(IOperationEvents events)
{
    private MigrationPhase? _phase;

    public bool IsNews(MigrationPhase phase) => phase != _phase;

    public void Tell(SyncStatus status)
    {
        if (IsNews(status.Phase))
        {
            _phase = status.Phase;
            events.PhaseChanged(status);
        }
    }
}

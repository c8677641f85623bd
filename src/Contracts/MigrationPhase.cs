namespace HerokuMigrator;

/// <summary>Where a migration stands. The order is the order of a migration's life; the last three can follow any phase.</summary>
public enum MigrationPhase
{
    NotStarted,
    Preparing,
    Copying,
    CatchingUp,
    Replicating,
    Switching,
    Switched,
    Completing,
    Completed,
    Suspended,
    Failed,
    Aborted,
}

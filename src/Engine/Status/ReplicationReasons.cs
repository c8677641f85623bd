using HerokuMigrator.Bucardo;
using HerokuMigrator.Capture;
using HerokuMigrator.Cutover;

namespace HerokuMigrator.Status;

/// <summary>What the phase and the replication mean for a switch.</summary>
internal static class ReplicationReasons
{
    /// <summary>Lag in seconds below which a switch is short.</summary>
    public const double SmallLag = 5;

    public static IEnumerable<SwitchReason> Of(string name, MigrationPhase phase, bool daemonRuns, bool workerRuns, SyncRuns? runs, Backlog? backlog)
    {
        if (phase != MigrationPhase.Replicating)
        {
            yield return SwitchReasons.Blocked("Phase", $"Migration '{name}' is {phase}: a switch is not possible now.", Next(phase));
            yield break;
        }

        if (!daemonRuns)
        {
            yield return SwitchReasons.Blocked("BucardoStopped", "Bucardo does not run on this machine; changes are captured but not replayed.", "Start-BucardoSync starts it again, and so does a worker that runs.");
        }
        else if (runs?.Fault is { } fault)
        {
            yield return SwitchReasons.Blocked("SyncFault", $"The last run of the sync failed: {fault}", "Remove the cause; the sync tries again by itself.");
        }
        else if (runs?.LastGood is null)
        {
            yield return SwitchReasons.Blocked("NoGoodRun", "No run of the sync has ended well yet.", "Wait for the first one: Get-SyncStatus -Wait.");
        }
        else if (runs.Stalled)
        {
            yield return SwitchReasons.Warning("SyncStalled", $"No run of the sync has ended well since {runs.LastGood:u}.", "The worker restarts Bucardo; Get-SyncStatus -Wait waits for it.");
        }

        if (backlog is null)
        {
            yield return SwitchReasons.Blocked("SourceUnreachable", "The source could not be asked what is pending.", "See Problems of Get-SyncStatus.");
        }
        else if (backlog.OldestAgeSeconds >= SmallLag)
        {
            yield return SwitchReasons.Warning(
                "Lag", $"The target is {DurationText.Of(backlog.OldestAgeSeconds)} behind, by {backlog.Rows} changes; the switch waits for these before its fence, for -TimeoutSec at most.", "Get-SyncStatus -Wait waits until the lag is small.");
        }

        if (!workerRuns)
        {
            yield return SwitchReasons.Warning("WorkerDied", "The worker that watches over replication has died.", "Start-BucardoSync or Resume-BucardoSync starts another.");
        }
    }

    private static string Next(MigrationPhase phase) => phase switch
    {
        MigrationPhase.Suspended => "Resume-BucardoSync, then Get-SyncStatus -Wait.",
        MigrationPhase.Switching => "Invoke-TrafficSwitch goes on with the switch, Undo-TrafficSwitch takes it back.",
        MigrationPhase.Switched => "Complete-Migration, or Undo-TrafficSwitch.",
        MigrationPhase.Completing => "Complete-Migration goes on.",
        MigrationPhase.Completed => "",
        MigrationPhase.Preparing or MigrationPhase.Copying or MigrationPhase.CatchingUp => "Get-SyncStatus -Wait waits for replication.",
        MigrationPhase.Aborted => "Stop-Migration goes on with the end of it.",
        _ => "Start-BucardoSync, then Get-SyncStatus -Wait.",
    };
}

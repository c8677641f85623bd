using System.Globalization;

namespace HerokuMigrator.Reporting.Html;

/// <summary>What the report comes to, for the top of it.</summary>
/// <param name="Title">A word or two.</param>
/// <param name="Tone">A class of the style sheet.</param>
/// <param name="Words">What that means, in a sentence or two.</param>
internal sealed record Verdict(string Title, string Tone, string Words)
{
    public static Verdict Of(ReportModel model)
    {
        var history = model.History;
        return history.Phase switch
        {
            MigrationPhase.Completed => new("Completed", "good", $"The target has taken over{Pause(model)}. Nothing of the migration is left on the source."),
            MigrationPhase.Aborted => new("Stopped", "idle", "The migration was given up. Nothing of it is left on the source, which takes writes as before."),
            MigrationPhase.Failed => new("Failed", "bad", $"{history.Failure} Once the cause is removed, Start-BucardoSync goes on; what is copied stays copied."),
            MigrationPhase.Switched or MigrationPhase.Completing => new("Switched", "good", $"The source takes no writes any more, and the target was proven complete{Pause(model)}. Complete-Migration ends the migration, Undo-TrafficSwitch takes the switch back."),
            MigrationPhase.Switching => new("Switching", "warn", "A switch is under way, or was interrupted: Invoke-TrafficSwitch goes on, Undo-TrafficSwitch takes it back."),
            MigrationPhase.Suspended => new("Suspended", "idle", "Changes are captured on the source and not replayed. Resume-BucardoSync goes on."),
            MigrationPhase.Replicating => Replicating(model.Status),
            MigrationPhase.CatchingUp => new("Catching up", "work", "The rows are copied; what changed meanwhile is being applied, and keys and indexes are being built."),
            MigrationPhase.Copying => new("Copying", "work", "The rows are being copied" + (model.Status?.Copy is { } copy ? $": {copy}." : ".")),
            _ => new("Preparing", "work", "The schema and the capture of changes are being set up."),
        };
    }

    private static Verdict Replicating(SyncStatus? status) => status switch
    {
        null => new("Replicating", "work", "Changes are captured and replayed. How far it is just now could not be asked."),
        { Health: SyncHealth.Broken } => new("Replication is broken", "bad", "Changes are captured on the source, and not applied to the target."),
        { ReadyToSwitch: true } => new("Ready to switch", "good", string.Create(CultureInfo.InvariantCulture, $"Changes are captured and replayed; {status.Backlog:#,0} of them are on their way, the oldest since {DurationText.Of(status.LagSeconds ?? 0)}.")),
        _ => new("Replicating", status.Health == SyncHealth.Healthy ? "work" : "warn", "Changes are captured and replayed, but a switch is not possible just now."),
    };

    private static string Pause(ReportModel model) => model.StandingSwitch?.WritePauseMs is { } pause ? $"; writes were paused for {ReportFormats.Milliseconds(pause)}" : "";
}

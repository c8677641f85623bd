using System.Management.Automation;

namespace HerokuMigrator.Commands;

/// <summary>Tells where a migration stands, or waits until it is ready to switch.</summary>
[Cmdlet(VerbsCommon.Get, "SyncStatus")]
[OutputType(typeof(SyncStatus))]
public sealed class GetSyncStatusCommand : MigrationCmdlet
{
    /// <summary>Wait until the migration is ready to switch.</summary>
    [Parameter]
    public SwitchParameter Wait { get; set; }

    /// <summary>How long to wait, in seconds; about 24 days where it is not given.</summary>
    [Parameter]
    [ValidateRange(1, MaximumSeconds)]
    public int TimeoutSec { get; set; } = MaximumSeconds;

    /// <summary>The longest that a timer of .NET can be set to.</summary>
    private const int MaximumSeconds = int.MaxValue / 1000;

    protected override void ProcessRecord() =>
        WriteObject(Use((migrator, cancellationToken) => Wait
            ? migrator.WaitUntilReadyAsync(TimeSpan.FromSeconds(TimeoutSec), cancellationToken)
            : migrator.GetStatusAsync(cancellationToken)));
}

using System.Management.Automation;

namespace HerokuMigrator.Commands;

/// <summary>Tells where a migration stands; or waits until it is ready to switch; or shows it live.</summary>
[Cmdlet(VerbsCommon.Get, "SyncStatus", DefaultParameterSetName = NowSet)]
[OutputType(typeof(SyncStatus))]
public sealed class GetSyncStatusCommand : MigrationCmdlet
{
    private const string NowSet = "Now";
    private const string WaitSet = "Wait";
    private const string WatchSet = "Watch";

    /// <summary>The longest that a timer of .NET can be set to.</summary>
    private const int MaximumSeconds = int.MaxValue / 1000;

    /// <summary>Wait until the migration is ready to switch.</summary>
    [Parameter(Mandatory = true, ParameterSetName = WaitSet)]
    public SwitchParameter Wait { get; set; }

    /// <summary>How long to wait, in seconds; about 24 days where it is not given.</summary>
    [Parameter(ParameterSetName = WaitSet)]
    [ValidateRange(1, MaximumSeconds)]
    public int TimeoutSec { get; set; } = MaximumSeconds;

    /// <summary>
    /// Show it live until the migration has ended or Ctrl-C is pressed, which ends the view alone. In a terminal it is redrawn in place once a second;
    /// elsewhere it is a line for each phase and one a minute, written as Write-Host does. The last status is returned.
    /// </summary>
    [Parameter(Mandatory = true, ParameterSetName = WatchSet)]
    public SwitchParameter Watch { get; set; }

    /// <summary>A script that is run with the status, as $_ and as its first argument, for the phase that is found first and at each change of it. Its failure is a warning.</summary>
    [Parameter(ParameterSetName = WaitSet)]
    [Parameter(ParameterSetName = WatchSet)]
    [ValidateNotNull]
    public ScriptBlock? OnPhaseChange { get; set; }

    protected override void ProcessRecord()
    {
        if (Watch)
        {
            WriteObject(Follow());
            return;
        }

        WriteObject(Use(
            (migrator, _, cancellationToken) => Wait
                ? migrator.WaitUntilReadyAsync(TimeSpan.FromSeconds(TimeoutSec), cancellationToken)
                : migrator.GetStatusAsync(cancellationToken),
            PhaseScript.From(OnPhaseChange)));
    }

    private SyncStatus Follow()
    {
        using var view = new LiveHost(this);
        var last = Use(
            (migrator, pipeline, cancellationToken) => migrator.FollowAsync((live, stop) => pipeline.RunAsync(() => view.Show(live), stop), cancellationToken),
            PhaseScript.From(OnPhaseChange, view.Clear));
        view.Done();
        return last;
    }
}

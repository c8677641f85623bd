using System.Management.Automation;

namespace HerokuMigrator.Commands;

/// <summary>Gives a migration up, from any phase, and removes every trace from the source.</summary>
[Cmdlet(VerbsLifecycle.Stop, "Migration", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(Migration))]
public sealed class StopMigrationCommand : GuardedCmdlet
{
    /// <summary>Clean the source although the target cannot be reached, or has lost the migration's state.</summary>
    [Parameter]
    public SwitchParameter AbandonTarget { get; set; }

    protected override void ProcessRecord()
    {
        if (Approve("stop", Force))
        {
            WriteObject(Use((migrator, cancellationToken) => migrator.StopAsync(new StopOptions { AbandonTarget = AbandonTarget }, cancellationToken)));
        }
    }
}

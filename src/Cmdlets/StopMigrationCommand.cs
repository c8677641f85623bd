using System.Management.Automation;

namespace HerokuMigrator.Commands;

/// <summary>Gives a migration up, from any phase, and removes every trace from the source.</summary>
[Cmdlet(VerbsLifecycle.Stop, "Migration", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(Migration))]
public sealed class StopMigrationCommand : GuardedCmdlet
{
    protected override void ProcessRecord()
    {
        if (Approve("stop", Force))
        {
            WriteObject(Use((migrator, cancellationToken) => migrator.StopAsync(cancellationToken)));
        }
    }
}

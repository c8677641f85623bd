using System.Management.Automation;

namespace HerokuMigrator.Commands;

/// <summary>Removes every trace from the source, and the migration's state from the target.</summary>
[Cmdlet(VerbsLifecycle.Complete, "Migration", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(Migration))]
public sealed class CompleteMigrationCommand : GuardedCmdlet
{
    protected override void ProcessRecord()
    {
        if (Approve("complete", Force))
        {
            WriteObject(Use((migrator, cancellationToken) => migrator.CompleteAsync(cancellationToken)));
        }
    }
}

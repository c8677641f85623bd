using System.Management.Automation;

namespace HerokuMigrator.Commands;

/// <summary>Pauses replication; changes go on being captured on the source.</summary>
[Cmdlet(VerbsLifecycle.Suspend, "BucardoSync", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
[OutputType(typeof(SyncStatus))]
public sealed class SuspendBucardoSyncCommand : ChangingCmdlet
{
    protected override void ProcessRecord()
    {
        if (Approve("suspend"))
        {
            WriteObject(Use((migrator, cancellationToken) => migrator.SuspendAsync(cancellationToken)));
        }
    }
}

using System.Management.Automation;

namespace HerokuMigrator.Commands;

/// <summary>Lets a suspended replication go on.</summary>
[Cmdlet(VerbsLifecycle.Resume, "BucardoSync", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
[OutputType(typeof(SyncStatus))]
public sealed class ResumeBucardoSyncCommand : ChangingCmdlet
{
    protected override void ProcessRecord()
    {
        if (Approve("resume"))
        {
            WriteObject(Use((migrator, cancellationToken) => migrator.ResumeAsync(cancellationToken)));
        }
    }
}

using System.Management.Automation;

namespace HerokuMigrator.Commands;

/// <summary>Schema, capture, initial copy, replication; goes on where it was interrupted.</summary>
[Cmdlet(VerbsLifecycle.Start, "BucardoSync", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
[OutputType(typeof(Migration))]
public sealed class StartBucardoSyncCommand : ChangingCmdlet
{
    /// <summary>What Test-MigrationReadiness found; one that blocks is refused.</summary>
    [Parameter(ValueFromPipeline = true)]
    public ReadinessReport? InputObject { get; set; }

    protected override void ProcessRecord()
    {
        if (InputObject is { IsReady: false } report)
        {
            ThrowTerminatingError(ErrorRecords.From(FaceErrors.NotReady(report)));
        }

        if (Approve("start"))
        {
            WriteObject(Use((migrator, cancellationToken) => migrator.StartAsync(cancellationToken)));
        }
    }
}

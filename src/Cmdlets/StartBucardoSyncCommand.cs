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

    /// <summary>What to do about tables without a usable key: Copy (again under the fence where written), Skip (made on the target, and left empty), Refuse. Default: Copy.</summary>
    [Parameter]
    public KeylessTable KeylessTable { get; set; }

    protected override void ProcessRecord()
    {
        if (InputObject is { IsReady: false } report)
        {
            ThrowTerminatingError(ErrorRecords.From(FaceErrors.NotReady(report)));
        }

        KeylessTable? keyless = MyInvocation.BoundParameters.ContainsKey(nameof(KeylessTable)) ? KeylessTable : null;
        if (Approve("start", describe: (migrator, cancellationToken) => migrator.DescribeStartAsync(new StartOptions { KeylessTable = keyless }, cancellationToken)))
        {
            WriteObject(Use((migrator, cancellationToken) => migrator.StartAsync(new StartOptions { KeylessTable = keyless }, cancellationToken)));
        }
    }
}

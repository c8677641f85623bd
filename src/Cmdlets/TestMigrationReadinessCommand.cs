using System.Management.Automation;

namespace HerokuMigrator.Commands;

/// <summary>Looks at everything that can fail later, before anything is touched.</summary>
[Cmdlet(VerbsDiagnostic.Test, "MigrationReadiness")]
[OutputType(typeof(ReadinessReport), typeof(bool))]
public sealed class TestMigrationReadinessCommand : MigrationCmdlet
{
    /// <summary>Return only whether a migration may start.</summary>
    [Parameter]
    public SwitchParameter Quiet { get; set; }

    protected override void ProcessRecord()
    {
        var report = Use((migrator, cancellationToken) => migrator.TestReadinessAsync(cancellationToken));
        WriteObject(Quiet ? report.IsReady : report);
    }
}

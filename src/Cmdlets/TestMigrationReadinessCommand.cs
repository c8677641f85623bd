using System.Management.Automation;
using HerokuMigrator.Reporting;

namespace HerokuMigrator.Commands;

/// <summary>Looks at everything that can fail later, before anything is touched.</summary>
[Cmdlet(VerbsDiagnostic.Test, "MigrationReadiness", DefaultParameterSetName = ReportSet)]
[OutputType(typeof(ReadinessReport), ParameterSetName = [ReportSet])]
[OutputType(typeof(ReadinessCheck), ParameterSetName = [ChecksSet])]
[OutputType(typeof(bool), ParameterSetName = [QuietSet])]
public sealed class TestMigrationReadinessCommand : MigrationCmdlet
{
    private const string ReportSet = "Report";
    private const string ChecksSet = "Checks";
    private const string QuietSet = "Quiet";

    /// <summary>Run only the checks of these ids; * and ? are wildcards.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(ReadinessCheckCompleter))]
    public string[] Include { get; set; } = [];

    /// <summary>Leave out the checks of these ids, also where -Include names them; * and ? are wildcards.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(ReadinessCheckCompleter))]
    public string[] Exclude { get; set; } = [];

    /// <summary>Return the checks one by one instead of the report that holds them, for Where-Object and its like.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ChecksSet)]
    public SwitchParameter ExpandChecks { get; set; }

    /// <summary>Return only whether a migration may start.</summary>
    [Parameter(Mandatory = true, ParameterSetName = QuietSet)]
    public SwitchParameter Quiet { get; set; }

    /// <summary>Write the report to this file too: .md to read, .json with all of it, .csv with the server settings that differ. A file that exists is replaced.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? OutFile { get; set; }

    /// <summary>Refuse to replace a file that exists.</summary>
    [Parameter]
    public SwitchParameter NoClobber { get; set; }

    protected override void ProcessRecord()
    {
        var options = new ReadinessOptions { Include = Include, Exclude = Exclude, WithInventory = OutFile is not null };
        var file = OutFile is null ? null : Known(() => ReportFile.At(FilePath(OutFile), NoClobber));
        var report = Use(async (migrator, cancellationToken) =>
        {
            var found = await migrator.TestReadinessAsync(options, cancellationToken);
            await (file?.WriteAsync(found, cancellationToken) ?? Task.CompletedTask);
            return found;
        });
        WriteObject(Quiet ? report.IsReady : ExpandChecks ? report.Checks : report, enumerateCollection: ExpandChecks);
    }
}

using System.Management.Automation;
using HerokuMigrator.Reporting;

namespace HerokuMigrator.Commands;

/// <summary>Writes a report of a migration: one HTML file that loads nothing from elsewhere, with verdict, phases, charts, comparisons, findings and the switch; also after its end.</summary>
[Cmdlet(VerbsData.Export, "MigrationReport")]
[OutputType(typeof(FileInfo))]
public sealed class ExportMigrationReportCommand : MigrationCmdlet
{
    /// <summary>The file, which ends with .html; its folder must exist. One that exists is refused without -Force.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    [Alias("OutFile")]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = "";

    /// <summary>Write a JSON file for a support ticket beside it too (x.diagnostics.json beside x.html): the same and the log, without passwords and without values of rows; names of hosts stay.</summary>
    [Parameter]
    public SwitchParameter Diagnostics { get; set; }

    /// <summary>Replace files that exist.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    protected override void ProcessRecord()
    {
        var file = Known(() => MigrationReportFile.At(FilePath(Path), Diagnostics, Force));
        Use(async (migrator, cancellationToken) =>
        {
            await migrator.WriteReportAsync(file, cancellationToken);
            return true;
        });
        WriteObject(new FileInfo(file.PagePath));
        if (file.DiagnosticsPath is { } diagnostics)
        {
            WriteObject(new FileInfo(diagnostics));
        }
    }
}

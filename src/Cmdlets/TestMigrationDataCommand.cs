using System.Management.Automation;

namespace HerokuMigrator.Commands;

/// <summary>Compares the content of both sides, live or after the switch.</summary>
[Cmdlet(VerbsDiagnostic.Test, "MigrationData", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
[OutputType(typeof(DataComparison))]
public sealed class TestMigrationDataCommand : ChangingCmdlet
{
    /// <summary>Compare only tables of these names, schema.table in the case that they have; * and ? are wildcards.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    public string[] Table { get; set; } = [];

    /// <summary>Compare so many percent of the chunks, chosen at random. Default: 100.</summary>
    [Parameter]
    public double Sample { get; set; } = new ComparisonOptions().SamplePercent;

    /// <summary>Statements at a time on each side. Default: 2.</summary>
    [Parameter]
    [ValidateRange(1, 32)]
    public int Jobs { get; set; } = new ComparisonOptions().Jobs;

    /// <summary>Have rows that differ replayed once more from the source, and compare them again.</summary>
    [Parameter]
    public SwitchParameter Repair { get; set; }

    /// <summary>Go on with the last comparison where it was interrupted less than an hour ago.</summary>
    [Parameter]
    public SwitchParameter Resume { get; set; }

    protected override void ProcessRecord()
    {
        var options = new ComparisonOptions { Tables = Table, SamplePercent = Sample, Jobs = Jobs, Repair = Repair, Resume = Resume };
        var whatIf = LanguagePrimitives.IsTrue(GetVariableValue("WhatIfPreference"));
        if (!(Repair || whatIf || MyInvocation.BoundParameters.ContainsKey("WhatIf"))
            || Approve("verify", describe: (migrator, cancellationToken) => migrator.DescribeComparisonAsync(options, cancellationToken)))
        {
            WriteObject(Use((migrator, cancellationToken) => migrator.CompareAsync(options, cancellationToken)), enumerateCollection: true);
        }
    }
}

using System.Management.Automation;

namespace HerokuMigrator.Commands;

/// <summary>Compares the content of both sides, live or after the switch.</summary>
[Cmdlet(VerbsDiagnostic.Test, "MigrationData", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium, DefaultParameterSetName = RowsSet)]
[OutputType(typeof(DataComparison), ParameterSetName = [RowsSet])]
[OutputType(typeof(ObjectComparison), ParameterSetName = [ObjectsSet])]
public sealed class TestMigrationDataCommand : ChangingCmdlet
{
    private const string RowsSet = "Rows";
    private const string ObjectsSet = "Objects";

    /// <summary>Compare only tables of these names, schema.table in the case that they have; * and ? are wildcards.</summary>
    [Parameter(ParameterSetName = RowsSet, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(TableNameCompleter))]
    public string[] Table { get; set; } = [];

    /// <summary>Compare so many percent of the chunks, chosen at random. Default: 100.</summary>
    [Parameter(ParameterSetName = RowsSet)]
    public double Sample { get; set; } = new ComparisonOptions().SamplePercent;

    /// <summary>Statements at a time on each side. Default: 2.</summary>
    [Parameter(ParameterSetName = RowsSet)]
    [ValidateRange(1, 32)]
    public int Jobs { get; set; } = new ComparisonOptions().Jobs;

    /// <summary>Have rows that differ replayed once more from the source, and compare them again.</summary>
    [Parameter(ParameterSetName = RowsSet)]
    public SwitchParameter Repair { get; set; }

    /// <summary>Go on with the last comparison where it was interrupted less than an hour ago.</summary>
    [Parameter(ParameterSetName = RowsSet)]
    public SwitchParameter Resume { get; set; }

    /// <summary>Compare what is not rows: columns, indexes, constraints, sequences, views, functions, triggers and the like.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ObjectsSet)]
    public SwitchParameter Objects { get; set; }

    protected override void ProcessRecord()
    {
        if (Objects)
        {
            WriteObject(Use((migrator, cancellationToken) => migrator.CompareObjectsAsync(cancellationToken)), enumerateCollection: true);
            return;
        }

        var options = new ComparisonOptions { Tables = Table, SamplePercent = Sample, Jobs = Jobs, Repair = Repair, Resume = Resume };
        var whatIf = LanguagePrimitives.IsTrue(GetVariableValue("WhatIfPreference"));
        if (!(Repair || whatIf || MyInvocation.BoundParameters.ContainsKey("WhatIf"))
            || Approve("verify", describe: (migrator, cancellationToken) => migrator.DescribeComparisonAsync(options, cancellationToken)))
        {
            WriteObject(Use((migrator, cancellationToken) => migrator.CompareAsync(options, cancellationToken)), enumerateCollection: true);
        }
    }
}

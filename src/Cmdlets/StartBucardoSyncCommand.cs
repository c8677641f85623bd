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

    /// <summary>Streams of the copy side by side; 0 leaves it to the program again.</summary>
    [Parameter]
    [ValidateRange(0, 128)]
    public int Jobs { get; set; }

    /// <summary>Indexes and constraints that are built side by side; 0 leaves it to the program again.</summary>
    [Parameter]
    [ValidateRange(0, 128)]
    public int IndexJobs { get; set; }

    /// <summary>What the copy may move, in MB (1,000,000 bytes) a second; 0 takes the limit away.</summary>
    [Parameter]
    [ValidateRange(0, 100_000)]
    public double MaxRateMBps { get; set; }

    /// <summary>Compare each table in the background while the migration replicates, again after so many hours (Get-SyncStatus tells when each was last shown to be equal); 0: not at all, which is the default.</summary>
    [Parameter]
    [ValidateRange(0, 8760)]
    public double CompareEveryHours { get; set; }

    /// <summary>Bring tables, columns, indexes and sequences that were made on the source since the start to the target, as far as that is safe; for a migration that replicates.</summary>
    [Parameter]
    public SwitchParameter CarryOver { get; set; }

    /// <summary>Return once the worker has taken over.</summary>
    [Parameter]
    public SwitchParameter NoWait { get; set; }

    /// <summary>
    /// Post each change of phase there, as JSON with a text that Slack and what is compatible with it show. It is kept in the migration's home, so that
    /// the worker and later cmdlets post theirs; an empty one is forgotten. A failure is a warning. A string, a Uri, or a SecureString; it is never shown.
    /// </summary>
    [Parameter]
    [AllowNull]
    [SecretArgumentTransformation]
    public SecretArgument? NotificationUri { get; set; }

    /// <summary>A script that is run with the status, as $_ and as its first argument, for the phase that is found first and at each change of it, while the cmdlet watches. Its failure is a warning.</summary>
    [Parameter]
    [ValidateNotNull]
    public ScriptBlock? OnPhaseChange { get; set; }

    protected override void ProcessRecord()
    {
        if (InputObject is { IsReady: false } report)
        {
            Fail(FaceErrors.NotReady(report));
        }

        var options = Options();
        if (Approve("start", describe: (migrator, cancellationToken) => migrator.DescribeStartAsync(options, cancellationToken)))
        {
            WriteObject(Use((migrator, _, cancellationToken) => migrator.StartAsync(options, cancellationToken), PhaseScript.From(OnPhaseChange)));
        }
    }

    private protected override MigratorOptions Configure(MigratorOptions options) => options with { NotificationUri = NotificationUri?.Reveal() };

    private StartOptions Options() => new()
    {
        Jobs = IsGiven(nameof(Jobs)) ? Jobs : null,
        IndexJobs = IsGiven(nameof(IndexJobs)) ? IndexJobs : null,
        MaxRateMBps = IsGiven(nameof(MaxRateMBps)) ? MaxRateMBps : null,
        KeylessTable = IsGiven(nameof(KeylessTable)) ? KeylessTable : null,
        CompareEveryHours = IsGiven(nameof(CompareEveryHours)) ? CompareEveryHours : null,
        NoWait = NoWait,
        CarryOver = CarryOver,
    };

    private bool IsGiven(string parameter) => MyInvocation.BoundParameters.ContainsKey(parameter);
}

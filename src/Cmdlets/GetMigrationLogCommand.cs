using System.Management.Automation;

namespace HerokuMigrator.Commands;

/// <summary>Returns what a migration's log holds: what our own programs told, what the state on the target keeps, and what its Bucardo told.</summary>
[Cmdlet(VerbsCommon.Get, "MigrationLog")]
[OutputType(typeof(MigrationLogEntry))]
public sealed class GetMigrationLogCommand : MigrationCmdlet
{
    /// <summary>Leave out entries that matter less; Information where it is not given. What Bucardo does is Verbose.</summary>
    [Parameter]
    public MigrationLogLevel Level { get; set; } = MigrationLogLevel.Information;

    /// <summary>Leave out entries before this moment; a time span, or a text such as 15m, 2h or 3d, means so long ago.</summary>
    [Parameter]
    [SinceTransformation]
    public DateTimeOffset Since { get; set; }

    /// <summary>Return only so many of the entries that are there, the last ones.</summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue)]
    public int Tail { get; set; } = int.MaxValue;

    /// <summary>Go on with the entries that come, until the migration has ended or Ctrl-C is pressed.</summary>
    [Parameter]
    public SwitchParameter Follow { get; set; }

    protected override void ProcessRecord()
    {
        var options = new LogOptions { Level = Level, Since = Since, Tail = Tail, Follow = Follow };
        Use(async (migrator, pipeline, cancellationToken) =>
        {
            await migrator.ReadLogAsync(options, pipeline.Output, cancellationToken);
            return true;
        });
    }
}

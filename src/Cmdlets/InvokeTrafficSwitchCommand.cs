using System.Management.Automation;

namespace HerokuMigrator.Commands;

/// <summary>Holds back writes on the source, proves the target complete, and hands over; or rehearses that.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "TrafficSwitch", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High, DefaultParameterSetName = SwitchSet)]
[OutputType(typeof(TrafficSwitch))]
public sealed class InvokeTrafficSwitchCommand : GuardedCmdlet
{
    private const string SwitchSet = "Switch";
    private const string RehearseSet = "Rehearse";

    /// <summary>How long one attempt waits for the locks of the fence, in milliseconds.</summary>
    [Parameter]
    [ValidateRange(100, 60_000)]
    public int LockTimeoutMs { get; set; } = new SwitchOptions().LockTimeoutMs;

    /// <summary>How long writes may be held back in all, in seconds; after that everything is put back. Default: 120, in a rehearsal 10.</summary>
    [Parameter]
    [ValidateRange(1, 86_400)]
    public int TimeoutSec { get; set; } = new SwitchOptions().TimeoutSeconds;

    /// <summary>Switch although rows differed when they were compared last.</summary>
    [Parameter]
    public SwitchParameter AllowDifferences { get; set; }

    /// <summary>How long contents are compared under the fence, in milliseconds; what differs ends the switch. 0: not at all. Default: 250.</summary>
    [Parameter]
    [ValidateRange(0, 600_000)]
    public int CompareBudgetMs { get; set; } = new SwitchOptions().CompareBudgetMs;

    /// <summary>End the sessions on the source whose transactions keep the fence out, once its first attempt has failed. Their transactions are rolled back.</summary>
    [Parameter]
    public SwitchParameter TerminateBlockers { get; set; }

    /// <summary>Do all of it but the handing over, then let writes go on: tells what a switch would take (PredictedPauseMs) and what took how long (Steps). Writes are held back meanwhile.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RehearseSet)]
    public SwitchParameter Rehearse { get; set; }

    /// <summary>Only try for the locks, once, and tell who is in the way (Blockers). Asks nothing, as it changes nothing.</summary>
    [Parameter(ParameterSetName = RehearseSet)]
    public SwitchParameter LockOnly { get; set; }

    protected override void ProcessRecord()
    {
        var options = new SwitchOptions
        {
            LockTimeoutMs = LockTimeoutMs,
            TimeoutSeconds = Rehearse && !MyInvocation.BoundParameters.ContainsKey(nameof(TimeoutSec)) ? SwitchOptions.RehearsalSeconds : TimeoutSec,
            AllowDifferences = AllowDifferences,
            CompareBudgetMs = CompareBudgetMs,
            TerminateBlockers = TerminateBlockers,
            Rehearse = Rehearse,
            LockOnly = LockOnly,
        };
        if (Approve("switch", Force || LockOnly, (migrator, cancellationToken) => migrator.DescribeSwitchAsync(options, cancellationToken)))
        {
            WriteObject(Use((migrator, cancellationToken) => migrator.SwitchAsync(options, cancellationToken)));
        }
    }
}

using System.Management.Automation;

namespace HerokuMigrator.Commands;

/// <summary>Holds back writes on the source, proves the target complete, and hands over.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "TrafficSwitch", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(TrafficSwitch))]
public sealed class InvokeTrafficSwitchCommand : GuardedCmdlet
{
    /// <summary>How long one attempt waits for the locks of the fence, in milliseconds.</summary>
    [Parameter]
    [ValidateRange(100, 60_000)]
    public int LockTimeoutMs { get; set; } = new SwitchOptions().LockTimeoutMs;

    /// <summary>How long writes may be held back in all, in seconds; after that everything is put back.</summary>
    [Parameter]
    [ValidateRange(1, 86_400)]
    public int TimeoutSec { get; set; } = new SwitchOptions().TimeoutSeconds;

    /// <summary>Switch although rows differed when they were compared last.</summary>
    [Parameter]
    public SwitchParameter AllowDifferences { get; set; }

    protected override void ProcessRecord()
    {
        if (!Approve("switch", Force))
        {
            return;
        }

        var options = new SwitchOptions { LockTimeoutMs = LockTimeoutMs, TimeoutSeconds = TimeoutSec, AllowDifferences = AllowDifferences };
        WriteObject(Use((migrator, cancellationToken) => migrator.SwitchAsync(options, cancellationToken)));
    }
}

using System.Management.Automation;

namespace HerokuMigrator.Commands;

/// <summary>Opens the source for writes again, with exactly the privileges that were there before the switch.</summary>
[Cmdlet(VerbsCommon.Undo, "TrafficSwitch", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(TrafficSwitch))]
public sealed class UndoTrafficSwitchCommand : GuardedCmdlet
{
    protected override void ProcessRecord()
    {
        if (Approve("undo", Force))
        {
            WriteObject(Use((migrator, cancellationToken) => migrator.UndoSwitchAsync(cancellationToken)));
        }
    }
}

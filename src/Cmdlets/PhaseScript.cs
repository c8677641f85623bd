using System.Management.Automation;

namespace HerokuMigrator.Commands;

/// <summary>The script of -OnPhaseChange. What it writes is shown as Write-Host shows it, as the pipeline is the cmdlet's own.</summary>
internal sealed class PhaseScript
{
    private readonly ScriptBlock _script;
    private readonly Action? _makeRoom;

    private PhaseScript(ScriptBlock script, Action? makeRoom) => (_script, _makeRoom) = (script, makeRoom);

    /// <summary>Null where there is none.</summary>
    /// <param name="script">The user's.</param>
    /// <param name="makeRoom">Called before it runs: it may write where something is drawn.</param>
    public static PhaseScript? From(ScriptBlock? script, Action? makeRoom = null) => script is null ? null : new PhaseScript(script, makeRoom);

    /// <summary>To be called on the pipeline's thread.</summary>
    public void Run(Cmdlet cmdlet, SyncStatus status)
    {
        _makeRoom?.Invoke();
        try
        {
            foreach (var written in _script.InvokeWithContext(functionsToDefine: null, [new PSVariable("_", status)], status).Where(written => written is not null))
            {
                HostLine.Write(cmdlet, written.ToString());
            }
        }
        catch (Exception exception) when (exception is not PipelineStoppedException)
        {
            // Somebody's own script must not end the watch over a migration.
            cmdlet.WriteWarning($"The script of -OnPhaseChange failed at the phase {status.Phase}: {exception.Message}");
        }
    }
}

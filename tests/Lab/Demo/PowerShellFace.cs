namespace HerokuMigrator.Lab;

/// <summary>The module, in a fresh pwsh for each step.</summary>
internal sealed class PowerShellFace(string module, string sourceUrl, string targetUrl, string stateFolder, IReadOnlyList<string> secrets)
    : MigrationFace(sourceUrl, targetUrl, stateFolder, secrets)
{
    // Without a terminal pwsh prints warnings on stdout too.
    private const string Marker = "-----the result-----";

    public override string Name => "PowerShell module";

    protected override (string File, IReadOnlyList<string> Arguments) CommandOf(MigrationStep step)
    {
        var cmdlet = step switch
        {
            MigrationStep.Test => "Test-MigrationReadiness",
            MigrationStep.Start => "Start-BucardoSync",
            MigrationStep.WaitUntilReady => "Get-SyncStatus -Wait -TimeoutSec 90",
            MigrationStep.Switch => "Invoke-TrafficSwitch -Force",
            MigrationStep.Undo => "Undo-TrafficSwitch -Force",
            MigrationStep.Complete => "Complete-Migration -Force",
            _ => "Stop-Migration -Force",
        };
        var script = $$"""
            $ErrorActionPreference = 'Stop'
            $ProgressPreference = 'SilentlyContinue'
            Import-Module '{{module.Replace("'", "''", StringComparison.Ordinal)}}'
            $result = {{cmdlet}}
            '{{Marker}}'
            $result | ConvertTo-Json -Depth 6 -EnumsAsStrings
            """;
        return ("pwsh", ["-NoLogo", "-NoProfile", "-NonInteractive", "-Command", script]);
    }

    protected override string ExtractJson(string output)
    {
        var index = output.LastIndexOf(Marker, StringComparison.Ordinal);
        return index < 0 ? output : output[(index + Marker.Length)..];
    }
}

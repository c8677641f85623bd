# What the tests share: the module under test, and a PowerShell of one's own.
$ModuleManifest = $env:HEROKU_MIGRATOR_MODULE
if (-not $ModuleManifest) {
    $ModuleManifest = [IO.Path]::GetFullPath("$PSScriptRoot/../../out/module/HerokuMigrator/HerokuMigrator.psd1")
}

# Homes of migrations that a test might make by accident stay inside the test.
$env:XDG_STATE_HOME = Join-Path $TestDrive 'state'

# What starts this PowerShell again; the one that is a .NET tool runs as "dotnet pwsh.dll".
$PowerShell = [Environment]::ProcessPath
$PowerShellFirst = @(if ([IO.Path]::GetFileNameWithoutExtension($PowerShell) -eq 'dotnet') { "$PSHOME/pwsh.dll" })

# Runs a script in a new PowerShell without a prompt; returns all that it printed, and its exit code.
function Invoke-FreshPowerShell {
    param(
        [Parameter(Mandatory)] [string] $Script,
        [string[]] $Options = @('-NonInteractive')
    )
    $prelude = "`$PSStyle.OutputRendering = 'PlainText'; Import-Module '$ModuleManifest'; "
    $encoded = [Convert]::ToBase64String([Text.Encoding]::Unicode.GetBytes($prelude + $Script))
    $lines = $null | & $PowerShell @PowerShellFirst -NoLogo -NoProfile @Options -OutputFormat Text -EncodedCommand $encoded 2>&1
    [pscustomobject]@{ Output = ($lines | Out-String); ExitCode = $LASTEXITCODE }
}

# Everything that an error record can show, in one text.
function Get-ErrorText {
    param([Parameter(Mandatory)] [Management.Automation.ErrorRecord] $ErrorRecord)
    @(
        $ErrorRecord | Out-String
        $ErrorRecord | Format-List * -Force | Out-String
        $ErrorRecord.Exception.ToString()
        "$($ErrorRecord.ErrorDetails.Message) $($ErrorRecord.ErrorDetails.RecommendedAction) $($ErrorRecord.TargetObject)"
    ) -join "`n"
}

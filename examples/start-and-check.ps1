<#
.SYNOPSIS
    For a scheduler, every few minutes: starts the migration where it is not started, and tells in lines how it fares.
.DESCRIPTION
    It never waits for a copy: a worker does the work, and the next run tells how far it is. Each run does what is missing and nothing else,
    so it may be run as often as one likes. It does not switch; switch-in-window.ps1 does.
    A migration that somebody suspended, stopped, switched or completed stays so.

    Exit codes:
      0  it replicates, and a switch is possible without a warning; or the switch has been made already
      1  something failed; what and the next step stand on standard error
      2  nothing to do yet but to look: it is under way, suspended, there are warnings, or another command works on it
      3  a person must act: a readiness check blocks the start, a switch is blocked, or the migration was stopped
.EXAMPLE
    pwsh -NonInteractive -File start-and-check.ps1

    HEROKU_URL and PLANETSCALE_URL name the databases.
.EXAMPLE
    pwsh -NonInteractive -Command './start-and-check.ps1 -Database (./Get-DatabaseSecret.ps1 -Vault Ops) -NotificationUri $env:OPS_WEBHOOK; exit $LASTEXITCODE'

    No secret stands in the argument list: single quotes, so that PowerShell, not the shell, puts the variable's value in.
#>
#Requires -Version 7.6
[CmdletBinding()]
param(
    [ValidateNotNullOrEmpty()] [string] $Name = 'default',
    # SourceUrl and TargetUrl, for instance from Get-DatabaseSecret.ps1. Without it HEROKU_URL and PLANETSCALE_URL, or what an earlier run has kept.
    [hashtable] $Database = @{},
    # Where changes of phase are posted, as Slack takes them: a string, a Uri or a SecureString. The start keeps it.
    [object] $NotificationUri
)
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

function Write-Line([string] $Text) {
    "$([DateTime]::UtcNow.ToString('u')) $Text"
}

function Write-Finding($Finding) {
    "  $Finding"
    if ($Finding.Remedy) { "    $($Finding.Remedy -replace '\r?\n', "`n    ")" }
}

function Write-Failure([System.Management.Automation.ErrorRecord] $Failure) {
    $text = "$($Failure.FullyQualifiedErrorId): $Failure"
    if (($action = $Failure.ErrorDetails.RecommendedAction)) { $text += "`n  $action" }
    [Console]::Error.WriteLine($text)
}

try {
    Import-Module HerokuMigrator
    $migration = @{ Name = $Name } + $Database
    $start = @{ NoWait = $true; Confirm = $false }
    if ($NotificationUri) { $start.NotificationUri = $NotificationUri }

    $status = Get-SyncStatus @migration
    $warned = $false
    if ($status.Phase -eq 'NotStarted') {
        $report = Test-MigrationReadiness @migration
        Write-Line "$report"
        $report.Checks | Where-Object Status -In Blocked, Warning | ForEach-Object { Write-Finding $_ }
        if (-not $report.IsReady) { exit 3 }
        $warned = $report.Verdict -eq 'Warning'
    }
    # In these phases a start begins or goes on; a replication that runs is left alone. In the others it is not what is wanted.
    $stands = $status.Phase -eq 'Replicating' -and ($status.SwitchReasons.Id | Where-Object { $_ -in 'WorkerDied', 'BucardoStopped' })
    if ($stands -or $status.Phase -in 'NotStarted', 'Preparing', 'Copying', 'CatchingUp', 'Failed') {
        $null = Start-BucardoSync @migration @start
        $status = Get-SyncStatus @migration
    }
    Write-Line "$status"
    $status.Problems | ForEach-Object { "  $_" }
    if ($status.Phase -eq 'Replicating') { $status.SwitchReasons | ForEach-Object { Write-Finding $_ } }
    switch ($status.Phase) {
        { $_ -in 'Switched', 'Completing', 'Completed' } { exit 0 }
        'Aborted' {
            '  It was stopped. Start-BucardoSync starts it anew, into an empty target.'
            exit 3
        }
        'Failed' { exit 1 }
    }
    if ($status.Health -eq 'Broken') { exit 1 }
    if ($status.Phase -ne 'Replicating') { exit 2 }
    # The first run of the sync comes by itself, a moment after the start.
    if ($status.SwitchReasons | Where-Object { $_.Status -eq 'Blocked' -and $_.Id -ne 'NoGoodRun' }) { exit 3 }
    exit ($warned -or $status.SwitchReadiness -ne 'Ready' ? 2 : 0)
}
catch {
    Write-Failure $_
    # Another command works on it; the next run tells what came of that.
    if ($_.FullyQualifiedErrorId -like 'MigrationLocked,*') { exit 2 }
    exit ($_.Exception.IsRefusal ? 3 : 1)
}

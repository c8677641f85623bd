<#
.SYNOPSIS
    Moves a database without anybody watching: check, start, wait, switch, and complete once the new database answers.
.DESCRIPTION
    HEROKU_URL and PLANETSCALE_URL name the two databases. Ends with 0 where the move is complete, else with 1.
    Before the switch a failure leaves the migration as it is: run this again, and it goes on.
    A switch that fails takes itself back. One that succeeded is undone here where -AfterSwitch fails,
    which is where the application is pointed at the new database.
.EXAMPLE
    pwsh -NonInteractive -Command "./migrate.ps1 -AfterSwitch { ./use-new-database.sh; if (`$LASTEXITCODE) { throw 'the application did not come up' } }"
#>
#Requires -Version 7.6
[CmdletBinding()]
param(
    [string] $Name = 'default',
    # Longest time to wait until a switch is possible, in seconds.
    [int] $WaitSec = 3600,
    # Longest time that writes may be held back, in seconds.
    [int] $PauseSec = 60,
    # Points the application at the new database; what it throws takes the switch back.
    [Parameter(Mandatory)] [scriptblock] $AfterSwitch
)
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Import-Module HerokuMigrator

function Write-Failure([System.Management.Automation.ErrorRecord] $Failure) {
    $text = "$($Failure.FullyQualifiedErrorId): $Failure"
    if ($action = $Failure.ErrorDetails.RecommendedAction) { $text += "`n  $action" }
    [Console]::Error.WriteLine($text)
}

$switched = $false
try {
    # An earlier run may have come further than the start, which would refuse then.
    $phase = (Get-SyncStatus -Name $Name).Phase
    "Phase: $phase"
    if ($phase -notin 'Switching', 'Switched', 'Completing', 'Completed') {
        "$(Start-BucardoSync -Name $Name -Confirm:$false)"
        "$(Get-SyncStatus -Name $Name -Wait -TimeoutSec $WaitSec)"
    }
    if ($phase -notin 'Switched', 'Completing', 'Completed') {
        "$(Invoke-TrafficSwitch -Name $Name -TimeoutSec $PauseSec -Force)"
    }
    $switched = $phase -notin 'Completing', 'Completed'
    if ($switched) { & $AfterSwitch }
    $switched = $false
    "$(Complete-Migration -Name $Name -Force)"
    exit 0
}
catch {
    Write-Failure $_
}

if ($switched) {
    try {
        $undone = Undo-TrafficSwitch -Name $Name -Force
        [Console]::Error.WriteLine("The switch was taken back; the source takes writes again. Tables written on the target meanwhile: $($undone.TablesWrittenOnTarget.Count)")
    }
    catch {
        Write-Failure $_
    }
}
exit 1

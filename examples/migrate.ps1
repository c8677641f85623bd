<#
.SYNOPSIS
    Moves a database without anybody watching: check, start, wait, switch, and complete once the new database answers.
.DESCRIPTION
    HEROKU_URL and PLANETSCALE_URL name the two databases. Ends with 0 where the move is complete, else with 1.
    With -KeepSource it ends with 0 once the application runs on the new database, and you complete: until then there is a way back.
    Before the switch a failure leaves the migration as it is: run this again, and it goes on.
    A switch that fails takes itself back. One that succeeded is undone here where -AfterSwitch fails,
    which is where the application is pointed at the new database.
.EXAMPLE
    pwsh -NonInteractive -Command './migrate.ps1 -AfterSwitch { ./use-new-database.sh }'

    A program that ends with another code than 0 is a failure too.
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
    [Parameter(Mandatory)] [scriptblock] $AfterSwitch,
    # SourceUrl and TargetUrl, for instance from Get-DatabaseSecret.ps1, instead of HEROKU_URL and PLANETSCALE_URL.
    [hashtable] $Database = @{},
    # Do not complete: the source keeps its capture, and Undo-TrafficSwitch stays possible. Complete-Migration ends that.
    [switch] $KeepSource
)
$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true
$ProgressPreference = 'SilentlyContinue'
Import-Module HerokuMigrator

function Write-Failure([System.Management.Automation.ErrorRecord] $Failure) {
    $text = "$($Failure.FullyQualifiedErrorId): $Failure"
    if (($action = $Failure.ErrorDetails.RecommendedAction)) { $text += "`n  $action" }
    [Console]::Error.WriteLine($text)
}

$migration = @{ Name = $Name } + $Database
$switched = $false
try {
    # An earlier run may have come further than the start, which would refuse then.
    $phase = (Get-SyncStatus @migration).Phase
    "Phase: $phase"
    if ($phase -notin 'Switching', 'Switched', 'Completing', 'Completed') {
        "$(Start-BucardoSync @migration -Confirm:$false)"
        "$(Get-SyncStatus @migration -Wait -TimeoutSec $WaitSec)"
    }
    if ($phase -notin 'Switched', 'Completing', 'Completed') {
        "$(Invoke-TrafficSwitch @migration -TimeoutSec $PauseSec -Force)"
    }
    $switched = $phase -notin 'Completing', 'Completed'
    if ($switched) { & $AfterSwitch }
    $switched = $false
    if ($KeepSource -and $phase -notin 'Completing', 'Completed') {
        "Switched; the source is kept. When the application is well: Complete-Migration -Name $Name; until then Undo-TrafficSwitch is the way back."
        exit 0
    }
    "$(Complete-Migration @migration -Force)"
    exit 0
}
catch {
    Write-Failure $_
}

if ($switched) {
    try {
        $undone = Undo-TrafficSwitch @migration -Force
        [Console]::Error.WriteLine("The switch was taken back; the source takes writes again. Tables written on the target meanwhile: $($undone.TablesWrittenOnTarget.Count)")
    }
    catch {
        Write-Failure $_
    }
}
exit 1

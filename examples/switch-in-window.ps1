<#
.SYNOPSIS
    Switches without anybody watching, inside a window of time only, and only where a rehearsal says that the pause will be short.
.DESCRIPTION
    Waits until the window opens, rehearses (writes are held back for 10 s at most, or for -MaxPauseSec where that is more), gives up where a switch
    would hold them back for longer than -MaxPauseSec, switches, and runs -AfterSwitch, which points the application at the new database.
    Where the switch or -AfterSwitch fails, the switch is undone: the source takes the writes again. What -AfterSwitch did before it failed is
    taken back by -BeforeUndo, while neither side takes writes of the application; where that fails too, the source stays closed.
    Completing is left to you: until then there is a way back.

    Exit codes:
      0  switched, and -AfterSwitch came to its end; or the migration is complete already
      1  something failed, and the source takes the writes, as before
      2  this run changed nothing: the window is over or too far away, the pause would be too long, it had been switched before,
         or another command works on the migration
      3  refused: a person must act first
      4  the source is closed, or may be, and it could not be undone: act at once
    Times of day are this machine's. A window over midnight is one whose end lies before its beginning.
.EXAMPLE
    pwsh -NonInteractive -Command './switch-in-window.ps1 -From 02:00 -Until 04:00 -AfterSwitch { ./use-new-database.sh } -BeforeUndo { ./use-old-database.sh }; exit $LASTEXITCODE'

    A program that ends with another code than 0 is a failure too.
.EXAMPLE
    ./switch-in-window.ps1 -From 2026-12-01T02:00+01:00 -Until 2026-12-01T04:00+01:00 -MaxPauseSec 3 -AfterSwitch { ./use-new-database.sh }
#>
#Requires -Version 7.6
[CmdletBinding()]
param(
    [ValidateNotNullOrEmpty()] [string] $Name = 'default',
    # Both a time of day (02:00), or both a moment (a DateTimeOffset, or text such as 2026-12-01T02:00+01:00).
    [Parameter(Mandatory)] [object] $From,
    [Parameter(Mandatory)] [object] $Until,
    # How long to wait for the window at most: one that opens later is taken for over.
    [ValidateRange(0, 240)] [double] $MaxWaitHours = 12,
    # How long to wait, once it is open, until a switch is possible: a lag that goes down, a daemon that comes back.
    [ValidateRange(1, 86400)] [int] $WaitSec = 300,
    # How long writes may be held back. A switch that takes longer nevertheless takes itself back.
    [ValidateRange(0, 3600)] [double] $MaxPauseSec = 10,
    # Points the application at the new database; gets the result of the switch. What it throws takes the switch back.
    [Parameter(Mandatory)] [scriptblock] $AfterSwitch,
    # Points the application at the old database again, where -AfterSwitch may have come half-way.
    [scriptblock] $BeforeUndo,
    # SourceUrl and TargetUrl, for instance from Get-DatabaseSecret.ps1; needed only on another machine than that of the start.
    [hashtable] $Database = @{}
)
$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true
$ProgressPreference = 'SilentlyContinue'

function Write-Line([string] $Text) {
    "$([DateTime]::UtcNow.ToString('u')) $Text"
}

function Write-Failure([System.Management.Automation.ErrorRecord] $Failure) {
    $text = "$($Failure.FullyQualifiedErrorId): $Failure"
    if (($action = $Failure.ErrorDetails.RecommendedAction)) { $text += "`n  $action" }
    [Console]::Error.WriteLine($text)
}

# When the window opens and closes that is open now, or else the next one; a window of moments may be over.
function Get-Window([object] $From, [object] $Until) {
    $ofDay = '^\d\d?:\d\d(:\d\d)?$'
    $daily = @($From, $Until) -match $ofDay
    if ($daily.Count -eq 1) { throw '-From and -Until are both times of day, or both moments.' }
    if (-not $daily) {
        $opens, $closes = foreach ($moment in $From, $Until) {
            $moment -is [string] ? [datetimeoffset]::Parse($moment, [cultureinfo]::InvariantCulture, 'AssumeLocal') : [datetimeoffset] $moment
        }
        if ($closes -le $opens) { throw "The window closes ($($closes.ToString('o'))) before it opens ($($opens.ToString('o')))." }
        return @{ Opens = $opens; Closes = $closes }
    }
    $opensAt, $closesAt = [timespan]::Parse($From), [timespan]::Parse($Until)
    $days = $closesAt -le $opensAt ? 1 : 0
    foreach ($day in -1..1) {
        $date = [datetime]::Today.AddDays($day)
        $closes = [datetimeoffset] $date.AddDays($days).Add($closesAt)
        if ($closes -gt [datetimeoffset]::Now) { return @{ Opens = [datetimeoffset] $date.Add($opensAt); Closes = $closes } }
    }
}

# Gives the source its writes back, and ends the script.
function Exit-Undone([int] $Code, [scriptblock] $Before) {
    try {
        if ($Before) { & $Before }
        $undone = Undo-TrafficSwitch @migration -Force
        [Console]::Error.WriteLine("The switch was taken back; the source takes the writes again. Tables written on the target meanwhile: $($undone.TablesWrittenOnTarget.Count)")
        $undone.TablesWrittenOnTarget | ForEach-Object { [Console]::Error.WriteLine("  $_") }
    }
    catch {
        Write-Failure $_
        [Console]::Error.WriteLine("The switch was NOT taken back: the source may refuse writes. Undo-TrafficSwitch -Name $Name, once the application writes to the source alone.")
        exit 4
    }
    exit $Code
}

# Whoever switched runs what comes after it.
function Exit-Done {
    Write-Line 'Switched before; nothing was done. Where the run that switched was cut off, run what -AfterSwitch does by hand, or Undo-TrafficSwitch. Else Complete-Migration.'
    exit 2
}

# What another command does with the migration is not taken back here.
function Exit-Refused([System.Management.Automation.ErrorRecord] $Failure) {
    Write-Failure $Failure
    Write-Line 'This run did not switch.'
    exit ($Failure.FullyQualifiedErrorId -like 'MigrationLocked,*' ? 2 : 3)
}

# A switch or a rehearsal that failed has mostly taken itself back.
function Exit-Failed([System.Management.Automation.ErrorRecord] $Failure) {
    if ($Failure.Exception.IsRefusal) { Exit-Refused $Failure }
    Write-Failure $Failure
    $phase = try { (Get-SyncStatus @migration).Phase } catch { Write-Failure $_ }
    if ($phase -and $phase -notin 'Switching', 'Switched') {
        Write-Line 'Not switched; the source takes the writes, as before.'
        exit 1
    }
    Exit-Undone 1
}

$migration = @{ Name = $Name } + $Database
$status = $null
try {
    $window = Get-Window $From $Until
    Import-Module HerokuMigrator
    # Before the waiting, so that a wrong database is told by day.
    $status = Get-SyncStatus @migration
    Write-Line "$status"
    switch ($status.Phase) {
        'Completed' {
            exit 0
        }
        { $_ -in 'Switched', 'Completing' } {
            Exit-Done
        }
        { $_ -in 'NotStarted', 'Suspended', 'Failed', 'Aborted' } {
            Write-Line 'There is nothing to switch; see Get-SyncStatus.'
            exit 3
        }
        'Switching' {
            # A run that was cut off may have left the source closed. It is opened at once, whatever the time.
            $null = Undo-TrafficSwitch @migration -Force
            $status = $null
            Write-Line 'A switch that was cut off was taken back; the source takes the writes.'
        }
    }

    $wait = $window.Opens - [datetimeoffset]::Now
    if ($window.Closes -le [datetimeoffset]::Now -or $wait.TotalHours -gt $MaxWaitHours) {
        Write-Line "Outside the window, which opens at $($window.Opens.ToString('o')) and closes at $($window.Closes.ToString('o')); nothing was done."
        exit 2
    }
    if ($wait -gt 0) { Write-Line "Waits for the window, which opens at $($window.Opens.ToString('o'))." }
    # In steps, as a machine may sleep or have its clock set.
    while ([datetimeoffset]::Now -lt $window.Opens) {
        Start-Sleep -Milliseconds ([math]::Clamp(($window.Opens - [datetimeoffset]::Now).TotalMilliseconds, 1, 30000))
    }

    $left = [int] [math]::Max(1, [math]::Min($WaitSec, ($window.Closes - [datetimeoffset]::Now).TotalSeconds))
    try { Write-Line "$(Get-SyncStatus @migration -Wait -TimeoutSec $left)" }
    catch {
        if ($_.FullyQualifiedErrorId -notlike 'WaitTimedOut,*') { throw }
        Write-Failure $_
        (Get-SyncStatus @migration).SwitchReasons | ForEach-Object { "  $_"; "    $($_.Remedy)" }
        exit 3
    }
}
catch {
    if ($_.Exception.IsRefusal) { Exit-Refused $_ }
    Write-Failure $_
    # What a run that was cut off had left closed could not be opened.
    exit ($status.Phase -eq 'Switching' ? 4 : 1)
}

$pause = [int] [math]::Ceiling($MaxPauseSec)
try { $rehearsal = Invoke-TrafficSwitch @migration -Rehearse -TimeoutSec ([math]::Max(10, $pause)) -Force }
catch { Exit-Failed $_ }
if (-not $rehearsal.IsRehearsal) { Exit-Done }
Write-Line "$rehearsal"
if ($rehearsal.PredictedPauseMs -gt $MaxPauseSec * 1000) {
    Write-Line "Not switched: writes would be held back for $([int] $rehearsal.PredictedPauseMs) ms, which is more than -MaxPauseSec $MaxPauseSec allows."
    $rehearsal.Steps | Sort-Object DurationMs -Descending -Top 3 | ForEach-Object { "  $_" }
    exit 2
}
if ($window.Closes -le [datetimeoffset]::Now.AddSeconds($MaxPauseSec)) {
    Write-Line "Not switched: the window closes at $($window.Closes.ToString('o'))."
    exit 2
}

$begun = [datetimeoffset]::UtcNow
try { $switched = Invoke-TrafficSwitch @migration -TimeoutSec ([math]::Max(1, $pause)) -Force }
catch { Exit-Failed $_ }
# Of a switch that is made already the result is returned once more.
if ($switched.FencedAt -lt $begun) { Exit-Done }
Write-Line "$switched"

try { & $AfterSwitch $switched }
catch {
    Write-Failure $_
    Exit-Undone 1 $BeforeUndo
}
Write-Line "-AfterSwitch is done. When the application is well: Complete-Migration -Name $Name; until then Undo-TrafficSwitch is the way back."
exit 0

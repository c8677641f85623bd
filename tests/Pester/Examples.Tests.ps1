# The scripts in examples, each as a scheduler runs it: in a PowerShell of its own, without a prompt, against real servers.
BeforeAll {
    . $PSScriptRoot/Shared.ps1
    . $PSScriptRoot/Lab.ps1
    Import-Module $ModuleManifest -Force
    $lab = [Lab]::new($LabProgram, @('--tiny'))
    $lab.MakeDefault()
    $examples = [IO.Path]::GetFullPath("$PSScriptRoot/../../examples")
    # The scripts import the module by its name, as those who installed it do.
    $modulePath = $env:PSModulePath
    $env:PSModulePath = (Split-Path (Split-Path $ModuleManifest)) + [IO.Path]::PathSeparator + $modulePath

    # All that it printed, and its exit code; nothing of it may be a password.
    function Invoke-Program([string] $Program, [string[]] $Arguments) {
        Push-Location $examples
        try { $lines = $null | & $Program @Arguments 2>&1 }
        finally { Pop-Location }
        $result = [pscustomobject]@{ Code = $LASTEXITCODE; Text = $lines | Out-String }
        Should-HoldNoSecret $result.Text
        $result
    }

    # As a crontab does: a line for the shell, which ends with the script's own code.
    function Invoke-Runbook([string] $Command) {
        Invoke-Program $PowerShell ($PowerShellFirst + '-NoLogo', '-NoProfile', '-NonInteractive', '-Command', "`$PSStyle.OutputRendering = 'PlainText'; $Command; exit `$LASTEXITCODE")
    }

    function Invoke-StartAndCheck {
        Invoke-Program $PowerShell ($PowerShellFirst + '-NoLogo', '-NoProfile', '-NonInteractive', '-File', 'start-and-check.ps1')
    }

    function Invoke-Switch([string] $AfterSwitch, [string] $Rest) {
        Invoke-Runbook "./switch-in-window.ps1 -From ([datetimeoffset]::Now) -Until ([datetimeoffset]::Now.AddHours(1)) -AfterSwitch { $AfterSwitch } $Rest"
    }

    function Write-ToSource { Invoke-Query $lab.SourceUrl "insert into public.views (path) values ('/written')" }

    function Should-HaveWritableSource {
        { Write-ToSource } | Should -Not -Throw
        (Get-SyncStatus).Phase | Should -Be 'Replicating'
    }
}

AfterAll {
    if ($lab) {
        foreach ($name in 'default', 'moved') { Stop-Migration $name -Force -ErrorAction Ignore -WarningAction SilentlyContinue | Out-Null }
        $env:PSModulePath = $modulePath
        $lab.Stop()
    }
}

Describe 'start-and-check.ps1' {
    It 'ends with 1, and the error with its next step, where <Case>' -ForEach @(
        @{ Case = 'a database is not there'; Pattern = '(@[^/]+/)[^?]*'; By = '${1}nowhere'; Id = 'DatabaseUnknown' }
        @{ Case = 'a password is wrong'; Pattern = ':[^:@]*@'; By = ':wrong@'; Id = 'AuthenticationFailed' }
    ) {
        $env:PLANETSCALE_URL = [regex]::Replace($lab.TargetUrl, $Pattern, $By)
        try { $result = Invoke-StartAndCheck }
        finally { $env:PLANETSCALE_URL = $lab.TargetUrl }
        $result.Code | Should -Be 1 -Because $result.Text
        $result.Text | Should -Match "^$Id,.*target.*\n  \S"
    }

    It 'ends with 3 and starts nothing where a check blocks, and tells it with its remedy' {
        Invoke-Query $lab.TargetUrl 'create table public.accounts (id integer)'
        try { $result = Invoke-StartAndCheck }
        finally { Invoke-Query $lab.TargetUrl 'drop table public.accounts' }
        $result.Code | Should -Be 3 -Because $result.Text
        $result.Text | Should -Match '(?m)default: blocked, .*\n(.*\n)*  Blocked \w+: .*\n    \S'
        (Get-SyncStatus).Phase | Should -Be 'NotStarted'
    }

    It 'starts without waiting, and ends with 0 once a switch is possible' {
        $env:OPS_WEBHOOK = 'http://127.0.0.1:1/services/T0PS3CR3T'
        try { $results = @(Invoke-Runbook './start-and-check.ps1 -NotificationUri $env:OPS_WEBHOOK') }
        finally { Remove-Item Env:OPS_WEBHOOK }
        Get-Content -Raw "$($lab.StateFolder)/heroku-migrator/default/notification-uri" | Should -Match 'T0PS3CR3T'
        $results[0].Code | Should -Be 2 -Because $results[0].Text
        while ($results[-1].Code -eq 2 -and $results.Count -lt 30) {
            Start-Sleep -Milliseconds 500
            $results += Invoke-StartAndCheck
        }
        $results[-1].Code | Should -Be 0 -Because ($results.Text -join '')
        $results[-1].Text | Should -Match '(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ default: Replicating, Healthy'
        $results.Text -join '' | Should -Not -Match 'T0PS3CR3T'
    }

    It 'changes nothing when it is run again' {
        $worker = Get-Content -Raw "$($lab.StateFolder)/heroku-migrator/default/worker.pid"
        (Invoke-StartAndCheck).Code | Should -Be 0
        Get-Content -Raw "$($lab.StateFolder)/heroku-migrator/default/worker.pid" | Should -Be $worker
    }

    It 'starts a worker where it has died' {
        Stop-Process -Force (Get-Content -Raw "$($lab.StateFolder)/heroku-migrator/default/worker.pid")
        (Get-SyncStatus).SwitchReasons.Id | Should -Contain 'WorkerDied'
        $result = Invoke-StartAndCheck
        $result.Code | Should -BeIn 0, 2 -Because $result.Text
        (Get-SyncStatus).SwitchReasons.Id | Should -Not -Contain 'WorkerDied'
    }

    It 'leaves suspended what somebody suspended' {
        Suspend-BucardoSync | Out-Null
        $result = Invoke-StartAndCheck
        $result.Code | Should -Be 2 -Because $result.Text
        $result.Text | Should -Match 'default: Suspended'
        (Resume-BucardoSync).Phase | Should -Be 'Replicating'
    }
}

Describe 'switch-in-window.ps1' {
    It 'ends with 2 outside its window: <Case>' -ForEach @(
        @{ Case = 'it is over'; From = '2026-01-01T02:00+01:00'; Until = '2026-01-01T04:00+01:00' }
        @{ Case = 'of the day, and too far away'; From = [datetime]::Now.AddHours(3).ToString('HH:mm'); Until = [datetime]::Now.AddHours(4).ToString('HH:mm') }
    ) {
        $result = Invoke-Runbook "./switch-in-window.ps1 -From $From -Until $Until -MaxWaitHours 2 -AfterSwitch { 'switched' }"
        $result.Code | Should -Be 2 -Because $result.Text
        $result.Text | Should -Match 'Outside the window, which opens at .*; nothing was done'
    }

    It 'ends with 1 where the window is none' {
        $result = Invoke-Runbook "./switch-in-window.ps1 -From 02:00 -Until 2026-01-01T04:00Z -AfterSwitch { 'switched' }"
        $result.Code | Should -Be 1 -Because $result.Text
        $result.Text | Should -Match 'both times of day, or both moments'
    }

    It 'ends with 2 where the rehearsal foretells too long a pause' {
        $result = Invoke-Switch "'switched'" '-MaxPauseSec 0.001'
        $result.Code | Should -Be 2 -Because $result.Text
        $result.Text | Should -Match 'Not switched: writes would be held back for \d+ ms'
        Should-HaveWritableSource
    }

    It 'waits until its window opens, and takes the switch back where -AfterSwitch fails, the application first' {
        # Counted from there, as a busy machine may take seconds to begin.
        $result = Invoke-Runbook "`$from = [datetimeoffset]::Now.AddSeconds(5); ./switch-in-window.ps1 -From `$from -Until `$from.AddHours(1) -AfterSwitch { throw 'no answer' } -BeforeUndo { 'pointed back' }"
        $result.Code | Should -Be 1 -Because $result.Text
        $result.Text | Should -Match '(?s)Waits for the window.*rehearsed.*Switched.*no answer.*pointed back.*The switch was taken back'
        Should-HaveWritableSource
    }

    It 'leaves the source closed, and ends with 4, where the application cannot be pointed back' {
        $result = Invoke-Switch "sh -c 'exit 7'" "-BeforeUndo { throw 'stuck' }"
        $result.Code | Should -Be 4 -Because $result.Text
        $result.Text | Should -Match '(?s)non-zero exit code: 7.*stuck.*was NOT taken back.*Undo-TrafficSwitch -Name default'
        { Write-ToSource } | Should -Throw
        (Undo-TrafficSwitch -Force).Phase | Should -Be 'Replicating'
    }

    It 'ends with 3 where a person must act first, and the source takes writes' {
        Invoke-Query $lab.SourceUrl 'alter table public.accounts add column mood text'
        try { $result = Invoke-Switch "'switched'" '-WaitSec 1' }
        finally { Invoke-Query $lab.SourceUrl 'alter table public.accounts drop column mood' }
        $result.Code | Should -Be 3 -Because $result.Text
        $result.Text | Should -Match '(?s)WaitTimedOut,.*public.*accounts.*mood'
        Should-HaveWritableSource
    }

    It 'ends with 2 while another command works on the migration' {
        $start = [Diagnostics.ProcessStartInfo]::new('psql', '-Xq')
        $start.RedirectStandardInput = $start.RedirectStandardOutput = $true
        (Get-PsqlVariable $lab.TargetUrl).GetEnumerator() | ForEach-Object { $start.Environment[$_.Key] = $_.Value }
        $other = [Diagnostics.Process]::Start($start)
        try {
            # The lock of whoever works on it.
            $other.StandardInput.WriteLine("select pg_advisory_lock(x'686d696772617465'::bigint); \echo locked")
            while (($line = $other.StandardOutput.ReadLine()) -ne 'locked') { if ($null -eq $line) { throw 'psql ended.' } }
            $result = Invoke-Switch "'switched'"
            $result.Code | Should -Be 2 -Because $result.Text
            $result.Text | Should -Match 'MigrationLocked,'
        }
        finally {
            $other.StandardInput.Close()
            $other.WaitForExit()
        }
        Should-HaveWritableSource
    }

    It 'switches in its window, and gives the result to -AfterSwitch' {
        $result = Invoke-Switch '"now use $($args[0].Target.Database) after $([int] $args[0].WritePauseMs) ms"'
        $result.Code | Should -Be 0 -Because $result.Text
        $result.Text | Should -Match '(?m)^now use \S+ after \d+ ms'
        { Write-ToSource } | Should -Throw
        Invoke-Query $lab.TargetUrl "insert into public.views (path) values ('/new')"
    }

    It 'does nothing when it is run again, until the migration is complete' {
        $result = Invoke-Switch "throw 'twice'"
        $result.Code | Should -Be 2 -Because $result.Text
        $result.Text | Should -Match 'Switched before; nothing was done'
        (Get-SyncStatus).Phase | Should -Be 'Switched'
        Complete-Migration -Force | Out-Null
        (Invoke-Switch "throw 'twice'").Code | Should -Be 0
        (Invoke-StartAndCheck).Code | Should -Be 0
    }
}

# SecretManagement is not among what the tests can get, so a function with its documented parameters stands in for its Get-Secret.
Describe 'Get-DatabaseSecret.ps1' {
    BeforeAll {
        $standIn = @'
function Get-Secret {
    param([Parameter(Mandatory)] [string] $Name, [string] $Vault, [switch] $AsPlainText)
    $text = @{ 'heroku-url' = $env:TEST_SOURCE; 'target-url' = $env:TEST_TARGET }[$Name]
    if (-not $text) { Write-Error "The secret $Name was not found."; return }
    if ($Vault -eq 'Text' -or $AsPlainText) { return $text }
    if ($Vault -eq 'Other') { return @{ url = $text } }
    [Net.NetworkCredential]::new('', $text).SecurePassword
}
'@
        $env:TEST_SOURCE, $env:TEST_TARGET = $lab.SourceUrl, $lab.TargetUrl
        Remove-Item Env:HEROKU_URL, Env:PLANETSCALE_URL
    }

    AfterAll {
        $env:HEROKU_URL, $env:PLANETSCALE_URL = $lab.SourceUrl, $lab.TargetUrl
        Remove-Item Env:TEST_SOURCE, Env:TEST_TARGET
    }

    It 'gives both connection strings to a cmdlet: <Case>' -ForEach @(
        @{ Case = 'from any vault'; Options = '' }
        @{ Case = 'from a vault that gives text'; Options = '-Vault Text' }
    ) {
        $result = Invoke-Runbook "$standIn
`$database = ./Get-DatabaseSecret.ps1 $Options
`$database.Values.ForEach({ `$_.GetType().Name })
Import-Module HerokuMigrator
(Get-SyncStatus unknown @database).Phase"
        $result.Text -split '\r?\n' | Where-Object { $_ } | Should -Be 'SecureString', 'SecureString', 'NotStarted'
    }

    It 'says what is missing: <Case>' -ForEach @(
        @{ Case = 'the secret'; Options = '-SourceName nobody'; Message = 'The secret nobody was not found' }
        @{ Case = 'text in the secret'; Options = '-Vault Other'; Message = "The secret 'heroku-url' is no text" }
    ) {
        $result = Invoke-Runbook "$standIn
try { ./Get-DatabaseSecret.ps1 $Options } catch { `"`$_`"; exit 9 }"
        $result.Code | Should -Be 9
        $result.Text | Should -Match $Message
    }

    It 'says how to get SecretManagement where it is missing' {
        # Were it here, its folder would have to be out of sight.
        $result = Invoke-Runbook "`$env:PSModulePath = ''; try { ./Get-DatabaseSecret.ps1 } catch { `"`$(`$_.FullyQualifiedErrorId) `$(`$_.CategoryInfo.Category) `$_`" }"
        $result.Text | Should -Match '^SecretManagementMissing NotInstalled .*Install-PSResource Microsoft.PowerShell.SecretManagement'
    }
}

# One migration for both: each goes on from where the other has left it.
Describe 'The whole move in one script' {
    BeforeAll {
        Invoke-Query $lab.TargetUrl 'create database moved'
        $env:PLANETSCALE_URL = [regex]::Replace($lab.TargetUrl, '(@[^/]+/)[^?]*', '${1}moved')
        $path = $env:PATH
        $console = $env:HEROKU_MIGRATOR_CONSOLE ? $env:HEROKU_MIGRATOR_CONSOLE : [IO.Path]::GetFullPath("$PSScriptRoot/../../out/cli/heroku-migrator")
        $env:PATH = (Split-Path $console) + [IO.Path]::PathSeparator + $path
        $env:NAME = 'moved'
    }

    AfterAll {
        $env:PLANETSCALE_URL, $env:PATH = $lab.TargetUrl, $path
        Remove-Item Env:NAME, Env:KEEP_SOURCE -ErrorAction Ignore
    }

    It 'migrate.ps1 takes the switch back where a program of -AfterSwitch fails' {
        $result = Invoke-Runbook "./migrate.ps1 -Name moved -AfterSwitch { sh -c 'exit 7' }"
        $result.Code | Should -Be 1 -Because $result.Text
        $result.Text | Should -Match '(?s)Phase: NotStarted.*Switched, writes paused.*exit code: 7.*The switch was taken back'
        Write-ToSource
    }

    It 'both keep the source where they are told to' {
        $env:KEEP_SOURCE = '1'
        $result = Invoke-Program ./migrate.sh echo, 'now use the new one'
        $result.Code | Should -Be 0 -Because $result.Text
        $result.Text | Should -Match '(?s)Phase: Replicating.*now use the new one.*heroku-migrator complete --name moved'
        { Write-ToSource } | Should -Throw
        $result = Invoke-Runbook "./migrate.ps1 -Name moved -KeepSource -AfterSwitch { 'now use the new one' }"
        $result.Code | Should -Be 0 -Because $result.Text
        $result.Text | Should -Match '(?s)Phase: Switched.*now use the new one.*Complete-Migration -Name moved'
        { Write-ToSource } | Should -Throw
    }

    It 'both complete without, and have nothing to do then' {
        Remove-Item Env:KEEP_SOURCE -ErrorAction Ignore
        $result = Invoke-Program ./migrate.sh echo, 'now use the new one'
        $result.Code | Should -Be 0 -Because $result.Text
        $result.Text | Should -Match '(?s)Phase: Switched.*now use the new one.*Completed'
        Write-ToSource
        $result = Invoke-Runbook "./migrate.ps1 -Name moved -AfterSwitch { throw 'twice' }"
        $result.Code | Should -Be 0 -Because $result.Text
        $result.Text | Should -Match 'moved: Completed'
    }
}

# Every cmdlet in the surroundings that people run it in. No server is needed: the name is that of no migration, and no database is named.
BeforeDiscovery {
    $all = @(Import-PowerShellDataFile "$PSScriptRoot/../../HerokuMigrator.psd1").CmdletsToExport
}

BeforeAll {
    . $PSScriptRoot/Shared.ps1
    Import-Module $ModuleManifest -Force
    $before = @{}
    foreach ($name in 'HEROKU_URL', 'PLANETSCALE_URL') {
        $before[$name] = [Environment]::GetEnvironmentVariable($name)
        [Environment]::SetEnvironmentVariable($name, $null)
    }

    $all = @((Import-PowerShellDataFile $ModuleManifest).CmdletsToExport)
    # What reads this machine's files needs no database.
    function Get-ExpectedId([string] $Command) {
        $id = $Command -in 'Get-MigrationLog', 'Export-MigrationReport' ? 'MigrationUnknown' : 'ConnectionMissing'
        "^$id,HerokuMigrator\.Commands\."
    }

    # Each cmdlet's error id by its name; one script for all of them, as each surrounding is a PowerShell of its own.
    $try = @'
foreach ($command in $all) {
    $arguments = @{ Name = 'no-such-migration' }
    if ((Get-Command $command).Parameters.ContainsKey('Force')) { $arguments.Force = $true }
    if ($command -eq 'Export-MigrationReport') { $arguments.Path = [IO.Path]::Combine([IO.Path]::GetTempPath(), [guid]::NewGuid().ToString() + '.html') }
    foreach ($key in $extra.Keys) { if ((Get-Command $command).Parameters.ContainsKey($key)) { $arguments[$key] = $extra[$key] } }
    try { $null = & $command @arguments; "$command returned" } catch { "$command $($_.FullyQualifiedErrorId)" }
}
'@

    function Read-Id([string[]] $Lines) {
        $ids = @{}
        foreach ($line in $Lines) { if ($line -match '^(\S+-\S+) (\S+)') { $ids[$Matches[1]] = $Matches[2] } }
        $ids
    }

    $list = "@('$($all -join "', '")')"
    $ids = @{
        NonInteractive = Read-Id ((Invoke-FreshPowerShell "`$all = $list; `$extra = @{}; $try").Output -split '\r?\n')
        Stop           = Read-Id ((Invoke-FreshPowerShell "`$all = $list; `$extra = @{ ErrorAction = 'Stop' }; $try").Output -split '\r?\n')
        WhatIf         = Read-Id ((Invoke-FreshPowerShell "`$all = $list; `$extra = @{ WhatIf = `$true }; $try").Output -split '\r?\n')
        ThreadJob      = Read-Id (Start-ThreadJob { param($module, $script) Import-Module $module; & ([scriptblock]::Create($script)) } -ArgumentList $ModuleManifest, "`$all = $list; `$extra = @{}; $try" | Receive-Job -Wait -AutoRemoveJob)
        Job            = Read-Id (Start-Job { param($module, $script) Import-Module $module; & ([scriptblock]::Create($script)) } -ArgumentList $ModuleManifest, "`$all = $list; `$extra = @{}; $try" | Receive-Job -Wait -AutoRemoveJob)
    }
}

AfterAll { foreach ($name in $before.Keys) { [Environment]::SetEnvironmentVariable($name, $before[$name]) } }

Describe '<_> of a migration that there is not' -ForEach $all {
    It 'is an error with an id under -NonInteractive' { $ids.NonInteractive[$_] | Should -Match (Get-ExpectedId $_) }
    It 'is the same error with -ErrorAction Stop' { $ids.Stop[$_] | Should -Be $ids.NonInteractive[$_] }
    It 'is the same error with -WhatIf' { $ids.WhatIf[$_] | Should -Be $ids.NonInteractive[$_] }
    It 'is the same error in a thread job' { $ids.ThreadJob[$_] | Should -Be $ids.NonInteractive[$_] }
    It 'is the same error in a job' { $ids.Job[$_] | Should -Be $ids.NonInteractive[$_] }
}

Describe 'A stopped pipeline' {
    BeforeAll {
        # Accepts and never answers: whatever asks a database hangs until it is stopped.
        $listener = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
        $listener.Start()
        $url = "postgres://app:x@127.0.0.1:$($listener.LocalEndpoint.Port)/app?sslmode=disable&connect_timeout=60"
    }

    AfterAll { $listener.Stop() }

    It 'ends <_> within the time that cleaning up may take' -ForEach @($all | Where-Object { $_ -notmatch 'MigrationLog|MigrationReport' }) {
        $shell = [powershell]::Create()
        try {
            $null = $shell.AddScript('param($module, $command, $url) Import-Module $module; $force = @{}; if ((Get-Command $command).Parameters.ContainsKey("Force")) { $force.Force = $true }; & $command -SourceUrl $url -TargetUrl ($url -replace "/app", "/other") @force')
            $null = $shell.AddArgument($ModuleManifest).AddArgument($_).AddArgument($url)
            $run = $shell.BeginInvoke()
            $accepted = $listener.AcceptTcpClientAsync()
            $accepted.Wait(20000) | Should -BeTrue
            $stopping = $shell.BeginStop($null, $null)
            $stopping.AsyncWaitHandle.WaitOne(11000) | Should -BeTrue
            $run.IsCompleted | Should -BeTrue
            $shell.InvocationStateInfo.State | Should -Be 'Stopped'
        }
        finally {
            $shell.Dispose()
            while ($listener.Pending()) { $listener.AcceptTcpClient().Dispose() }
        }
    }
}

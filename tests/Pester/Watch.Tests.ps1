BeforeAll {
    . $PSScriptRoot/Shared.ps1
    . $PSScriptRoot/Lab.ps1
    Import-Module $ModuleManifest -Force
    $lab = [Lab]::new($LabProgram, @('--tiny'))
    $lab.MakeDefault()

    # A web server that keeps what is posted to it, until it is stopped.
    $notices = [Collections.Concurrent.ConcurrentQueue[string]]::new()
    $port = & { $probe = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0); $probe.Start(); $probe.LocalEndpoint.Port; $probe.Stop() }
    $webhook = "http://127.0.0.1:$port/services/T0PS3CR3T/"
    $server = Start-ThreadJob {
        $listener = [Net.HttpListener]::new()
        $listener.Prefixes.Add($using:webhook)
        $listener.Start()
        while ($true) {
            $context = $listener.GetContextAsync()
            # In steps, so that the job can be stopped.
            while (-not $context.Wait(200)) { }
            $reader = [IO.StreamReader]::new($context.Result.Request.InputStream)
            ($using:notices).Enqueue($reader.ReadToEnd())
            $context.Result.Response.Close()
        }
    }
    $seen = [Collections.Generic.List[object]]::new()

    function Wait-Notice([string] $Phase) {
        $until = [datetime]::UtcNow.AddSeconds(60)
        while (-not ($notices | ConvertFrom-Json | Where-Object phase -EQ $Phase)) {
            if ([datetime]::UtcNow -gt $until) { throw "No notice of $Phase, only of $(($notices | ConvertFrom-Json).phase)." }
            Start-Sleep -Milliseconds 200
        }
    }
}

AfterAll {
    if ($server) { $server | Stop-Job -PassThru | Remove-Job -Force }
    if ($lab) {
        Stop-Migration -Force -ErrorAction Ignore | Out-Null
        $lab.Stop()
    }
}

Describe 'Phases of a start' {
    It 'would be posted to a host that -WhatIf names, and nothing is kept' {
        $result = Invoke-FreshPowerShell "Start-BucardoSync -NotificationUri '$webhook' -WhatIf"
        $result.Output | Should -Match 'Post changes of phase to 127\.0\.0\.1'
        $result.Output | Should -Not -Match 'T0PS3CR3T'
        Get-ChildItem -Recurse $lab.StateFolder | Should -BeNullOrEmpty
    }

    It 'are refused where the address is none, before a server is asked' {
        # By a variable, as an error shows the line that it comes from.
        $wrong = 'T0PS3CR3T'
        { Start-BucardoSync -NotificationUri $wrong } | Should -Throw -ErrorId 'NotificationUriInvalid,*'
        Get-ErrorText $Error[0] | Should -Not -Match 'T0PS3CR3T'
    }

    It 'reach the script, on the thread of the pipeline and with the status, and a script that fails is a warning' {
        $thread = [Threading.Thread]::CurrentThread.ManagedThreadId
        $migration = Start-BucardoSync -NotificationUri (ConvertTo-SecureString $webhook -AsPlainText -Force) -WarningVariable warnings -WarningAction SilentlyContinue -OnPhaseChange {
            $seen.Add([pscustomobject]@{ Status = $_; Argument = $args[0]; Thread = [Threading.Thread]::CurrentThread.ManagedThreadId })
            'this is no output of the cmdlet'
            throw "odd at $($_.Phase)"
        } 6> $null
        $migration | Should -BeOfType HerokuMigrator.Migration
        $seen.Count | Should -BeGreaterThan 0
        $seen.Status | Should -BeOfType HerokuMigrator.SyncStatus
        $seen[-1].Status.Phase | Should -Be 'Replicating'
        $seen[-1].Argument | Should -Be $seen[-1].Status
        $seen.Thread | Sort-Object -Unique | Should -Be $thread
        @($warnings -match 'odd at Replicating').Count | Should -Be 1
    }

    It 'are posted once each, by the cmdlet and by the worker' {
        Wait-Notice Replicating
        $posted = $notices | ConvertFrom-Json
        $posted.phase | Should -Be 'Preparing', 'Copying', 'CatchingUp', 'Replicating'
        $posted[1].text | Should -Match '^Migration default: Preparing → Copying'
        $posted.name | Sort-Object -Unique | Should -Be 'default'
        Should-HoldNoSecret ($notices -join '')
    }

    It 'keep their address in a private file, and nowhere else' {
        $holding = @(Get-ChildItem -Recurse -File $lab.StateFolder | Where-Object { Select-String -Quiet -SimpleMatch T0PS3CR3T -LiteralPath $_ -ErrorAction Ignore })
        $holding.Name | Should -Be 'notification-uri'
        [IO.File]::GetUnixFileMode($holding[0]) | Should -Be 'UserWrite, UserRead'
        foreach ($table in 'migration', 'event') { Invoke-Query $lab.TargetUrl "select count(*) from heroku_migrator.$table t where t::text like '%T0PS3CR3T%'" | Should -Be 0 }
        Get-ChildItem /proc/[0-9]*/cmdline -ErrorAction Ignore | ForEach-Object { Get-Content -Raw $_ -ErrorAction Ignore } | Should -Not -Match 'T0PS3CR3T'
    }
}

Describe 'Get-SyncStatus' {
    It '-Wait tells the script the phase that it finds' {
        $phases = [Collections.Generic.List[string]]::new()
        Get-SyncStatus -Wait -TimeoutSec 60 -OnPhaseChange { $phases.Add($args[0].Phase) } | Should -BeOfType HerokuMigrator.SyncStatus
        $phases | Should -Be 'Replicating'
    }

    It 'takes -Watch or -Wait, and neither the script nor a timeout without' {
        { Get-SyncStatus -Wait -Watch } | Should -Throw -ErrorId 'AmbiguousParameterSet,*'
        { Get-SyncStatus -Watch -TimeoutSec 5 } | Should -Throw -ErrorId 'AmbiguousParameterSet,*'
    }

    It '-Watch can be stopped, and stops nothing' {
        $shell = [powershell]::Create()
        try {
            $null = $shell.AddScript('param($module) Import-Module $module; Get-SyncStatus -Watch').AddArgument($ModuleManifest)
            $running = $shell.BeginInvoke()
            $until = [datetime]::UtcNow.AddSeconds(60)
            while ($shell.Streams.Information.Count -eq 0 -and [datetime]::UtcNow -lt $until) { Start-Sleep -Milliseconds 100 }
            "$($shell.Streams.Information[0])" | Should -Match '^\d{4}-\d\d-\d\dT\S+Z default: Replicating, Healthy'
            $running.IsCompleted | Should -BeFalse
            $shell.Stop()
            $shell.InvocationStateInfo.State | Should -Be 'Stopped'
        }
        finally { $shell.Dispose() }
        (Get-SyncStatus).Phase | Should -Be 'Replicating'
    }

    It '-Watch in a log is a line for each phase, ends with the migration, and returns the last status' {
        $watching = Start-ThreadJob {
            param($program, $first, $module)
            $null | & $program @first -NoLogo -NoProfile -NonInteractive -Command "Import-Module '$module'; Get-SyncStatus -Watch | ForEach-Object { `"ends `$(`$_.Phase)`" }" 2>&1
        } -ArgumentList $PowerShell, $PowerShellFirst, $ModuleManifest
        $until = [datetime]::UtcNow.AddSeconds(60)
        while (-not ($watching | Receive-Job -Keep) -and [datetime]::UtcNow -lt $until) { Start-Sleep -Milliseconds 100 }
        Invoke-TrafficSwitch -Force -WarningAction SilentlyContinue | Out-Null
        Complete-Migration -Force | Out-Null
        $output = $watching | Receive-Job -Wait -AutoRemoveJob | Out-String
        $output | Should -Match '(?s)Z default: Replicating.*ends Completed'
        $output | Should -Not -Match "`e"
        Should-HoldNoSecret $output
    }

    It 'has told the notification address of the end too, and forgotten it' {
        Wait-Notice Completed
        ($notices | ConvertFrom-Json).phase | Select-Object -Skip 4 | Should -Be 'Switching', 'Switched', 'Completing', 'Completed'
        Get-ChildItem -Recurse $lab.StateFolder -Filter 'notification-uri' | Should -BeNullOrEmpty
    }
}

BeforeAll {
    . $PSScriptRoot/Shared.ps1
    . $PSScriptRoot/Lab.ps1
    Import-Module $ModuleManifest -Force
    $lab = [Lab]::new($LabProgram, @('--tiny'))
    $lab.MakeDefault()
    # Enough to be looked at while it is copied, at the rate that the starts below are given.
    Invoke-Query $lab.SourceUrl "create table public.heavy (id int primary key, filler text); insert into public.heavy select n, repeat(md5(n::text), 30) from generate_series(1, 12000) n; analyze public.heavy" | Out-Null

    function Wait-Copying {
        $until = [datetime]::UtcNow.AddSeconds(90)
        do {
            Start-Sleep -Milliseconds 200
            $status = Get-SyncStatus
            if ([datetime]::UtcNow -gt $until) { throw "not copying: $status" }
        } until ($status.Phase -eq 'Copying' -and $status.Copy.Running)
        $status
    }
}

AfterAll {
    if ($lab) {
        Stop-Migration -Force -ErrorAction Ignore | Out-Null
        $lab.Stop()
    }
}

Describe 'A start that a worker does' {
    It 'refuses options out of their range before a server is asked' {
        { Start-BucardoSync -Jobs 1000 } | Should -Throw -ErrorId 'ParameterArgumentValidationError,*'
        { Start-BucardoSync -MaxRateMBps 0.01 } | Should -Throw -ErrorId 'StartOptionInvalid,*'
    }

    It 'returns with -NoWait, and the status tells of the copy' {
        $migration = Start-BucardoSync -NoWait -MaxRateMBps 0.1 -Jobs 2
        $migration | Should -BeOfType HerokuMigrator.Migration
        $migration.Phase | Should -BeIn 'Preparing', 'Copying'
        $status = Wait-Copying
        $status.Copy | Out-String | Should -Match 'Copied\s*:.*MB'
        $status | Out-String -Width 200 | Should -Match 'Copying\s+Healthy'
    }

    It 'is watched again by a second start, and stopping that one stops nothing' {
        $shell = [powershell]::Create()
        try {
            $null = $shell.AddScript('param($module) Import-Module $module; Start-BucardoSync').AddArgument($ModuleManifest)
            $running = $shell.BeginInvoke()
            $until = [datetime]::UtcNow.AddSeconds(60)
            while ($shell.Streams.Progress.Activity -notcontains 'Copying' -and [datetime]::UtcNow -lt $until) { Start-Sleep -Milliseconds 200 }
            # Going through the errors as a collection would wait for the end of the pipeline.
            $running.IsCompleted | Should -BeFalse -Because ($shell.Streams.Error.ReadAll() | Out-String)
            $shell.Streams.Progress.Activity | Should -Contain 'Copying'
            $shell.Stop()
            $shell.InvocationStateInfo.State | Should -Be 'Stopped'
        }
        finally { $shell.Dispose() }
        (Get-SyncStatus).Problems | Should -BeNullOrEmpty
        (Get-SyncStatus).Phase | Should -Be 'Copying'
    }

    It 'gives a runbook lines instead of a bar, and goes on to replication at another rate' {
        $result = Invoke-FreshPowerShell '$m = Start-BucardoSync -MaxRateMBps 0 -InformationAction Continue; "ends $($m.Phase)"'
        $result.Output | Should -Match 'Copying: \d+ %'
        $result.Output | Should -Match 'ends Replicating'
        Should-HoldNoSecret $result.Output
    }

    It 'leaves a replication that can be stopped' {
        (Stop-Migration -Force).Phase | Should -Be 'Aborted'
    }

    It 'hands on the error of the worker with its id' {
        # The first target is not empty any more.
        Invoke-Query $lab.TargetUrl 'create database second' | Out-Null
        $env:PLANETSCALE_URL = [regex]::Replace($lab.TargetUrl, '(@[^/]+/)[^?]*', '${1}second')
        Start-BucardoSync -NoWait -MaxRateMBps 0.1 | Out-Null
        Wait-Copying | Out-Null
        Invoke-Query $env:PLANETSCALE_URL 'create table public.transfers_account_id_idx ()' | Out-Null
        { Start-BucardoSync -MaxRateMBps 0 } | Should -Throw -ErrorId 'SchemaEntryFailed,HerokuMigrator.Commands.StartBucardoSyncCommand'
        (Get-SyncStatus).Phase | Should -Be 'Failed'
        Stop-Migration -Force | Out-Null
    }
}

BeforeAll {
    . $PSScriptRoot/Shared.ps1
    . $PSScriptRoot/Lab.ps1
    Import-Module $ModuleManifest -Force
    $lab = [Lab]::new($LabProgram, @('--tiny'))
    $lab.MakeDefault()

    function Get-WorkerProcess([string] $Name) {
        ps -eo args= | Where-Object { $_ -match "WorkerHost\]::Run\('$Name'\)" }
    }
}

AfterAll {
    if ($lab) { $lab.Stop() }
}

Describe 'Before anything is touched' {
    BeforeAll {
        $source = Get-Footprint $lab.SourceUrl
        $target = Get-Footprint $lab.TargetUrl
    }

    It 'Test-MigrationReadiness finds the lab ready' {
        $report = Test-MigrationReadiness
        $report.IsReady | Should -BeTrue -Because ($report.Checks | Where-Object Status -EQ Blocked | Out-String)
        $report.Checks.Count | Should -BeGreaterThan 5
        Test-MigrationReadiness -Quiet | Should -BeTrue
    }

    It 'Start-BucardoSync -WhatIf names hosts and tables' {
        $result = Invoke-FreshPowerShell 'Start-BucardoSync -WhatIf; "nothing returned: $($null -eq (Start-BucardoSync -WhatIf 6>$null))"'
        $result.Output | Should -Match 'What if: Start-BucardoSync on '
        $result.Output | Should -Match ([regex]::Match($lab.SourceUrl, '@([^/?]+)').Groups[1].Value)
        $result.Output | Should -Match 'nothing returned: True'
        Should-HoldNoSecret $result.Output
    }

    It 'a later cmdlet says that there is no migration' {
        { Invoke-TrafficSwitch -Force } | Should -Throw -ErrorId 'MigrationUnknown,*'
    }

    AfterAll {
        Get-Footprint $lab.SourceUrl | Should -Be $source
        Get-Footprint $lab.TargetUrl | Should -Be $target
    }
}

Describe 'The whole migration in one line' {
    BeforeAll {
        $source = Get-Footprint $lab.SourceUrl
        $streams = & {
            $VerbosePreference = $DebugPreference = 'Continue'
            Test-MigrationReadiness | Start-BucardoSync | Get-SyncStatus -Wait -TimeoutSec 120 | Invoke-TrafficSwitch -Force -OutVariable script:switched | Complete-Migration -Force
        } *>&1
        $completed = $streams | Where-Object { $_ -is [HerokuMigrator.Migration] }
    }

    It 'ends completed' {
        @($completed).Count | Should -Be 1
        $completed.Phase | Should -Be 'Completed'
        $completed.EndedAt | Should -Not -BeNullOrEmpty
    }

    It 'tells how long writes were paused' {
        $switched.WritePauseMs | Should -BeGreaterThan 0
        $switched.Roles | Should -Not -BeNullOrEmpty
    }

    It 'leaves both sides with the same content' {
        $contents = Get-TableContent $lab.SourceUrl
        $contents.Count | Should -BeGreaterThan 1
        Get-TableContent $lab.TargetUrl | Should -Be $contents
    }

    It 'leaves the source as it was' {
        Get-Footprint $lab.SourceUrl | Should -Be $source
    }

    It 'leaves nothing of its own on the target' {
        Invoke-Query $lab.TargetUrl "select nspname from pg_namespace where nspname in ('heroku_migrator', 'bucardo')" | Should -BeNullOrEmpty
    }

    It 'leaves no worker, no daemon and no control cluster behind' {
        Get-WorkerProcess 'default' | Should -BeNullOrEmpty
        ps -eo args= | Where-Object { $_.Contains($lab.StateFolder) } | Should -BeNullOrEmpty
    }

    It 'tells what was changed where on the information stream, tagged for an audit' {
        $audit = $streams | Where-Object { $_ -is [Management.Automation.InformationRecord] -and $_.Tags -contains 'Audit' }
        foreach ($happened in 'begun', 'is replicating', 'Fence closed', 'Switched', 'is Completed') { $audit.MessageData -join "`n" | Should -Match $happened }
        $audit.Tags | Sort-Object -Unique | Should -Be 'Audit', 'HerokuMigrator'
    }

    It 'tells decisions on the verbose stream, and commands on the debug stream' {
        $streams | Where-Object { $_ -is [Management.Automation.VerboseRecord] } | Should -Not -BeNullOrEmpty
        ($streams | Where-Object { $_ -is [Management.Automation.DebugRecord] }).Message -join "`n" | Should -Match 'pg_dump'
    }

    It 'can be read from its log, also now that it has ended' {
        Remove-Item Env:HEROKU_URL, Env:PLANETSCALE_URL
        try {
            $log = Get-MigrationLog
            $log | Where-Object Message -Match 'is Completed' | Should -Not -BeNullOrEmpty
            @(Get-MigrationLog -Level Verbose | Where-Object Source -EQ Bucardo).Count | Should -BeGreaterThan 5
            @(Get-MigrationLog -Tail 3).Count | Should -Be 3
            @(Get-MigrationLog -Follow | Select-Object -First 1).Count | Should -Be 1
            Get-MigrationLog -Since 0s | Should -BeNullOrEmpty
            { Get-MigrationLog -Since soon } | Should -Throw -ErrorId 'ParameterArgumentTransformationError,*'
            { Get-MigrationLog nobody-knows-it } | Should -Throw -ErrorId 'MigrationUnknown,*'
            Should-HoldNoSecret ($log | Format-List * | Out-String -Width 4000)
        }
        finally { $env:HEROKU_URL = $lab.SourceUrl; $env:PLANETSCALE_URL = $lab.TargetUrl }
    }

    It 'can be reported, also now that it has ended' {
        Push-Location $TestDrive
        try {
            $files = @(Export-MigrationReport -Path shop.html -Diagnostics)
            $files | Should -BeOfType IO.FileInfo
            $files.Name | Should -Be 'shop.html', 'shop.diagnostics.json'
            $page = Get-Content -Raw shop.html
            $page | Should -Match '<span class="badge big good">Completed</span>'
            $page | Should -Match '<h3><span class="badge good">Switched</span>'
            $diagnostics = Get-Content -Raw shop.diagnostics.json
            ($diagnostics | ConvertFrom-Json).log.Count | Should -BeGreaterThan 5
            Should-HoldNoSecret ($page + $diagnostics)
            { Export-MigrationReport -Path shop.html } | Should -Throw -ErrorId 'ReportFileExists,*'
            (Export-MigrationReport -Path shop.html -Force).Name | Should -Be 'shop.html'
            { Export-MigrationReport -Path shop.txt } | Should -Throw -ErrorId 'ReportFormatUnknown,*'
            { Export-MigrationReport nobody-knows-it other.html } | Should -Throw -ErrorId 'MigrationUnknown,*'
        }
        finally { Pop-Location }
    }

    It 'prints no password in any stream' {
        ($streams | Where-Object { $_ -is [Management.Automation.VerboseRecord] }).Count | Should -BeGreaterThan 1
        Should-HoldNoSecret ($streams | Format-List * -Force | Out-String -Width 4000)
    }
}

Describe 'Step by step, and back again' {
    BeforeAll {
        Invoke-Query $lab.TargetUrl 'create database second' | Out-Null
        $url = [regex]::Replace($lab.TargetUrl, '(@[^/]+/)[^?]*', '${1}second')
        $source = Get-Footprint $lab.SourceUrl
        $name = 'step-by-step'
    }

    It 'starts under another name, with the target as a SecureString' {
        $migration = Start-BucardoSync -Name $name -TargetUrl (ConvertTo-SecureString $url -AsPlainText -Force)
        $migration.Name | Should -Be $name
        $migration.Target.Database | Should -Be 'second'
    }

    It 'is watched over by a worker, and shows no password in the process list' {
        Get-WorkerProcess $name | Should -Not -BeNullOrEmpty
        Should-HoldNoSecret (ps -eo args= | Out-String)
    }

    It 'needs no URL any more' {
        Remove-Item Env:HEROKU_URL, Env:PLANETSCALE_URL
        (Get-SyncStatus $name -Wait -TimeoutSec 120).ReadyToSwitch | Should -BeTrue
    }

    It 'suspends and resumes' {
        (Suspend-BucardoSync $name).Phase | Should -Be 'Suspended'
        (Resume-BucardoSync $name).Phase | Should -Be 'Replicating'
    }

    It '<_> -WhatIf says what it would do, and does nothing' -ForEach 'Invoke-TrafficSwitch', 'Stop-Migration', 'Suspend-BucardoSync' {
        $footprint = Get-Footprint $lab.SourceUrl
        $result = Invoke-FreshPowerShell "$_ $name -WhatIf"
        $result.Output | Should -Match "What if: $_ on .*"
        Should-HoldNoSecret $result.Output
        Get-Footprint $lab.SourceUrl | Should -Be $footprint
        (Get-SyncStatus $name).Phase | Should -Be 'Replicating'
    }

    It 'switches' {
        $switch = Get-SyncStatus $name -Wait -TimeoutSec 60 | Invoke-TrafficSwitch -Force
        $switch.Phase | Should -Be 'Switched'
        Test-Path $switch.UndoFile | Should -BeTrue
        Get-Content -Raw $switch.CertificateFile | ConvertFrom-Json | Should -Not -BeNullOrEmpty
    }

    It 'undoes the switch' {
        (Undo-TrafficSwitch $name -Force).Roles | Should -Not -BeNullOrEmpty
    }

    It 'stops, and leaves the source as it was' {
        (Stop-Migration $name -Force).Phase | Should -Be 'Aborted'
        Get-WorkerProcess $name | Should -BeNullOrEmpty
        Get-Footprint $lab.SourceUrl | Should -Be $source
    }
}

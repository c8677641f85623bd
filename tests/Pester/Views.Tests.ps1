BeforeAll {
    . $PSScriptRoot/Shared.ps1
    Import-Module $ModuleManifest -Force
    $address = [HerokuMigrator.DatabaseAddress]::new('db.example', 5432, 'shop', 'app', 'postgres://app:S3cr3t-never-shown@db.example/shop')
    $rendering = $PSStyle.OutputRendering
    $PSStyle.OutputRendering = 'PlainText'

    function New-Check([string] $Id, [HerokuMigrator.CheckStatus] $Status, [string] $Remedy = '') {
        [HerokuMigrator.ReadinessCheck]@{ Id = $Id; Group = 'Schema'; Title = $Id; Status = $Status; Finding = "found $Id"; Remedy = $Remedy }
    }

    function New-Report([HerokuMigrator.ReadinessCheck[]] $Checks) {
        [HerokuMigrator.ReadinessReport]@{ Name = 'shop'; Source = $address; Target = $address; CheckedAt = [DateTimeOffset]::UtcNow; Checks = $Checks }
    }
}

AfterAll { $PSStyle.OutputRendering = $rendering }

Describe 'A readiness report' {
    It 'shows its verdict, the worst check first, and the remedies' {
        $text = New-Report (New-Check 'Fine' Pass), (New-Check 'Odd' Warning 'ALTER TABLE odd;'), (New-Check 'Bad' Blocked 'DROP bad;') | Out-String
        $text | Should -Match 'shop: blocked'
        $text | Should -Match '1 Blocked, 1 Warning, 1 Pass'
        $text | Should -Match '(?s)found Bad.*found Odd.*found Fine'
        $text | Should -Match 'Bad: DROP bad;'
        $text | Should -Not -Match 'S3cr3t'
    }

    It 'that blocks is refused by Start-BucardoSync before a server is asked' {
        $report = New-Report (New-Check 'Bad' Blocked 'DROP bad;')
        { $report | Start-BucardoSync } | Should -Throw -ErrorId 'NotReady,HerokuMigrator.Commands.StartBucardoSyncCommand' -ExpectedMessage '*found Bad*'
    }

    It 'keeps its checks across a job' {
        $copy = [Management.Automation.PSSerializer]::Deserialize([Management.Automation.PSSerializer]::Serialize((New-Report (New-Check 'Fine' Pass))))
        $copy.Checks[0].Finding | Should -Be 'found Fine'
        [Management.Automation.PSSerializer]::Serialize((New-Report (New-Check 'Fine' Pass))) | Should -Not -Match 'S3cr3t'
    }
}

Describe 'The other objects' {
    It 'a status is one line with what matters' {
        $status = [HerokuMigrator.SyncStatus]@{ Name = 'shop'; Phase = 'Replicating'; Health = 'Degraded'; Tables = 12; TablesCopied = 12; Backlog = 34; LagSeconds = 1.26; Problems = [string[]] @('slow disk') }
        $text = $status | Out-String -Width 200
        $text | Should -Match 'shop\s+Replicating\s+Degraded\s+12/12\s+0\s+34\s+1\.3\s+False\s+slow disk'
    }

    It 'a migration shows both databases' {
        $migration = [HerokuMigrator.Migration]@{ Name = 'shop'; Phase = 'Replicating'; Source = $address; Target = $address }
        $migration | Out-String -Width 200 | Should -Match 'Replicating.*app@db\.example:5432/shop'
    }

    It 'a switch shows how long writes were paused' {
        $switch = [HerokuMigrator.TrafficSwitch]@{ Name = 'shop'; Phase = 'Switched'; WritePauseMs = 812.4; Roles = [string[]] @('app', 'reporting') }
        $text = $switch | Out-String
        $text | Should -Match 'WritesPaused\s*: 812 ms'
        $text | Should -Match 'app, reporting'
        $text | Should -Not -Match 'WrittenOnTarget'
        $switch.WritePause | Should -BeOfType timespan
    }

    It 'a plan shows its steps one under the other' {
        $plan = [HerokuMigrator.OperationPlan]@{ Name = 'shop'; Subject = 'app@db.example:5432/shop'; Steps = [string[]] @('first', 'second') }
        $plan | Out-String | Should -Match '(?s)first\s+second'
    }
}

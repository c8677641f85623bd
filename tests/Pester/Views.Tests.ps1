BeforeAll {
    . $PSScriptRoot/Shared.ps1
    Import-Module $ModuleManifest -Force
    $address = [HerokuMigrator.DatabaseAddress]::new('db.example', 5432, 'shop', 'app', 'postgres://app:S3cr3t-never-shown@db.example/shop')
    $rendering = $PSStyle.OutputRendering
    $PSStyle.OutputRendering = 'PlainText'

    function Get-Check([string] $Id, [HerokuMigrator.CheckStatus] $Status, [string] $Remedy = '') {
        [HerokuMigrator.ReadinessCheck]@{ Id = $Id; Group = 'Schema'; Title = $Id; Status = $Status; Finding = "found $Id"; Remedy = $Remedy }
    }

    function Get-Report([HerokuMigrator.ReadinessCheck[]] $Checks) {
        [HerokuMigrator.ReadinessReport]@{ Name = 'shop'; Source = $address; Target = $address; CheckedAt = [DateTimeOffset]::UtcNow; Checks = $Checks }
    }

    # The same report with an estimate and an inventory.
    function Add-Known([Parameter(ValueFromPipeline)] [HerokuMigrator.ReadinessReport] $Report) {
        $time = { param($seconds, $basis) [HerokuMigrator.EstimatedTime]@{ Seconds = $seconds; Basis = $basis } }
        $properties = @{}
        foreach ($property in 'Name', 'Source', 'Target', 'CheckedAt', 'Checks') { $properties[$property] = $Report.$property }
        $properties.Estimate = [HerokuMigrator.MigrationEstimate]@{ Copy = (& $time 200 '2 GB'); Index = (& $time 65 '900 MB'); WritePause = (& $time 0.42 '12 ms') }
        $properties.Inventory = [HerokuMigrator.ReadinessInventory]@{
            SourceVersion = 'PostgreSQL 13.14 on x86_64'; TargetVersion = 'PostgreSQL 17.2 on aarch64'
            Extensions = [HerokuMigrator.InventoryExtension[]] @([HerokuMigrator.InventoryExtension]::new('citext', '1.6', 'public', [NullString]::Value))
            Settings = [HerokuMigrator.InventorySetting[]] @(
                [HerokuMigrator.InventorySetting]::new('work_mem', '4MB', '16MB'), [HerokuMigrator.InventorySetting]::new('old_one', 'on', [NullString]::Value))
            Clients = [HerokuMigrator.InventoryClient[]] @([HerokuMigrator.InventoryClient]::new('app', 'puma', 5))
        }
        [HerokuMigrator.ReadinessReport] $properties
    }
}

AfterAll { $PSStyle.OutputRendering = $rendering }

Describe 'A readiness report' {
    It 'shows the worst check first, the remedies below, what passed as a number, and the verdict last' {
        $text = Get-Report (Get-Check 'Fine' Pass), (Get-Check 'Odd' Warning 'ALTER TABLE odd;'), (Get-Check 'Bad' Blocked 'DROP bad;') | Out-String
        $text | Should -Match '(?s)found Bad.*found Odd.*1 check.*DROP bad;.*ALTER TABLE odd;'
        $text | Should -Not -Match 'found Fine'
        $text.TrimEnd() | Should -Match 'shop: blocked; 1 blocked, 1 warning, 1 passed\.$'
        $text | Should -Not -Match 'S3cr3t'
    }

    It 'shows each remedy from the start of a line, as it can be pasted' {
        $lines = (Get-Report (Get-Check 'Bad' Blocked "DROP TABLE a;`nDROP TABLE b;") | Out-String) -split '\r?\n'
        $lines | Should -Contain 'DROP TABLE a;'
        $lines | Should -Contain 'DROP TABLE b;'
    }

    It 'shows the estimate and what the inventory holds, and neither where there is none' {
        $plain = Get-Report (Get-Check 'Fine' Pass)
        $plain | Out-String | Should -Not -Match 'Reckoned|Inventory'
        $text = $plain | Add-Known | Out-String
        $text | Should -Match 'Copy\s+3 min 20 s\s+2 GB'
        $text | Should -Match 'Write pause\s+0\.4 s\s+12 ms'
        $text | Should -Match 'PostgreSQL 13\.14 -> PostgreSQL 17\.2'
    }

    It 'has colours where they are wanted, and none elsewhere' {
        $report = Get-Report (Get-Check 'Bad' Blocked 'DROP bad;')
        $report | Out-String | Should -Not -Match "`e"
        try {
            $PSStyle.OutputRendering = 'Ansi'
            $text = $report | Out-String
        }
        finally { $PSStyle.OutputRendering = 'PlainText' }
        $text | Should -Match ([regex]::Escape("$($PSStyle.Foreground.Red)Blocked$($PSStyle.Reset)"))
        # PowerShell repeats styles on every line that it breaks itself.
        [regex]::Matches($text, "`e\[").Count | Should -BeLessThan 30
    }

    It 'shows itself where there is no console, also in strict mode' {
        $shell = [powershell]::Create()
        try {
            $null = $shell.AddScript('param($module, $report) Set-StrictMode -Version Latest; Import-Module $module; $report | Out-String; $report.Checks | Out-String')
            $text = $shell.AddArgument($ModuleManifest).AddArgument((Get-Report (Get-Check 'Bad' Blocked 'DROP bad;'))).Invoke() -join ''
            $shell.Streams.Error | Should -BeNullOrEmpty
        }
        finally { $shell.Dispose() }
        $text | Should -Match '(?s)DROP bad;.*shop: blocked.*Blocked\s+Bad\s+found Bad'
    }

    It 'has room in its table for the id of every check' {
        $line = 'Test-MigrationReadiness -Include '
        foreach ($id in (TabExpansion2 $line -cursorColumn $line.Length).CompletionMatches.CompletionText) {
            Get-Check $id Note | Out-String | Should -Match "Note\s+$id\s+found"
        }
    }

    It 'keeps its estimate and inventory across a job, and as text' {
        $report = Get-Report (Get-Check 'Fine' Pass) | Add-Known
        $copy = [Management.Automation.PSSerializer]::Deserialize([Management.Automation.PSSerializer]::Serialize($report))
        $copy.Estimate.Copy.Seconds | Should -Be 200
        $copy.Inventory.Settings[0].Source | Should -Be '4MB'
        $copy | Out-String | Should -Be ($report | Out-String)
        "$($report.Estimate)" | Should -Be 'copy 3 min 20 s, indexes 1 min 5 s, write pause 0.4 s'
        "$($report.Inventory)" | Should -Be 'PostgreSQL 13.14 -> PostgreSQL 17.2; 1 extension, 2 settings that differ, 5 connections now'
        "$report" | Should -Be 'shop: ready, 1 passed'
    }

    It 'shows an estimate and an inventory by themselves' {
        $report = Get-Report (Get-Check 'Fine' Pass) | Add-Known
        $report.Estimate | Out-String | Should -Match '(?s)Copy\s+: 3 min 20 s: 2 GB.*WritePause\s+: 0\.4 s: 12 ms'
        $report.Inventory | Out-String | Should -Match '(?s)citext 1\.6 -> none.*work_mem: 4MB -> 16MB.*app \(puma\): 5'
        $report.Inventory.Settings | Out-String | Should -Match '(?s)work_mem\s+4MB\s+16MB.*old_one\s+on\s+\(unknown\)'
        $report.Inventory.Extensions | Out-String | Should -Match 'citext\s+public\s+1\.6\s+\(none\)'
        $report.Inventory.Clients | Out-String | Should -Match 'app\s+puma\s+5'
    }

    It 'that blocks is refused by Start-BucardoSync before a server is asked' {
        $report = Get-Report (Get-Check 'Bad' Blocked 'DROP bad;')
        { $report | Start-BucardoSync } | Should -Throw -ErrorId 'NotReady,HerokuMigrator.Commands.StartBucardoSyncCommand' -ExpectedMessage '*found Bad*'
    }

    It 'keeps its checks across a job' {
        $copy = [Management.Automation.PSSerializer]::Deserialize([Management.Automation.PSSerializer]::Serialize((Get-Report (Get-Check 'Fine' Pass))))
        $copy.Checks[0].Finding | Should -Be 'found Fine'
        $copy.Checks[0].Status | Should -Be 'Pass'
        [Management.Automation.PSSerializer]::Serialize((Get-Report (Get-Check 'Fine' Pass))) | Should -Not -Match 'S3cr3t'
    }
}

Describe 'The other objects' {
    It 'a status is one line with what matters' {
        $status = [HerokuMigrator.SyncStatus]@{ Name = 'shop'; Phase = 'Replicating'; Health = 'Degraded'; Tables = 12; TablesCopied = 12; Backlog = 34; LagSeconds = 1.26; Problems = [string[]] @('slow disk') }
        $text = $status | Out-String -Width 200
        $text | Should -Match 'shop\s+Replicating\s+Degraded\s+12/12\s+0\s+34\s+1\.3 s\s+Blocked\s+slow disk'
    }

    It 'a status that comes back from a job can be compared by name' {
        $status = [HerokuMigrator.SyncStatus]@{ Name = 'shop'; Phase = 'Replicating'; Health = 'Degraded' }
        $copy = [Management.Automation.PSSerializer]::Deserialize([Management.Automation.PSSerializer]::Serialize($status))
        $copy | Where-Object { $_.Phase -eq 'Replicating' -and $_.Health -eq 'Degraded' } | Should -Not -BeNullOrEmpty
        $copy | Out-String -Width 200 | Should -Match 'shop\s+Replicating\s+Degraded'
    }

    It 'a status keeps its reasons across a job, and they show their remedies' {
        $reason = [HerokuMigrator.SwitchReason]@{ Id = 'RowsDiffer'; Status = 'Blocked'; Finding = 'found so'; Objects = [string[]] @('public.a'); Remedy = 'mend it' }
        $status = [HerokuMigrator.SyncStatus]@{ Name = 'shop'; Phase = 'Replicating'; Health = 'Healthy'; SwitchReadiness = 'Warning'; SwitchReasons = [HerokuMigrator.SwitchReason[]] @($reason) }
        $status.ReadyToSwitch | Should -BeTrue
        $copy = [Management.Automation.PSSerializer]::Deserialize([Management.Automation.PSSerializer]::Serialize($status))
        $copy.SwitchReadiness | Should -Be 'Warning'
        $copy.SwitchReasons[0].Status | Should -Be 'Blocked'
        $copy.SwitchReasons[0].Objects | Should -Be 'public.a'
        $status.SwitchReasons | Out-String | Should -Match '(?s)RowsDiffer.*Blocked.*found so.*mend it'
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

    It 'an entry of the log is one line, with the level in its colour where colours are wanted' {
        $entry = [HerokuMigrator.MigrationLogEntry]@{ Time = [DateTimeOffset]::UtcNow; Level = 'Warning'; Source = 'Bucardo'; Message = "deadlock on `"public`".`"orders`"" }
        $entry | Out-String -Width 200 | Should -Match 'Warning\s+Bucardo\s+deadlock on'
        $entry | Out-String -Width 200 | Should -Not -Match "`e"
        try {
            $PSStyle.OutputRendering = 'Ansi'
            $text = $entry | Out-String
        }
        finally { $PSStyle.OutputRendering = 'PlainText' }
        $text | Should -Match ([regex]::Escape("$($PSStyle.Foreground.Yellow)Warning"))
        $copy = [Management.Automation.PSSerializer]::Deserialize([Management.Automation.PSSerializer]::Serialize($entry))
        $copy | Where-Object { $_.Level -eq 'Warning' -and $_.Source -eq 'Bucardo' } | Should -Not -BeNullOrEmpty
        $copy | Out-String -Width 200 | Should -Match 'Warning\s+Bucardo\s+deadlock on'
    }

    It 'a plan shows its steps one under the other' {
        $plan = [HerokuMigrator.OperationPlan]@{ Name = 'shop'; Subject = 'app@db.example:5432/shop'; Steps = [string[]] @('first', 'second') }
        $plan | Out-String | Should -Match '(?s)first\s+second'
    }
}

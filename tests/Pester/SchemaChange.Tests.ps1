BeforeAll {
    . $PSScriptRoot/Shared.ps1
    . $PSScriptRoot/Lab.ps1
    Import-Module $ModuleManifest -Force
    $lab = [Lab]::new($LabProgram, @('--tiny'))
    $lab.MakeDefault()
}

AfterAll {
    if ($lab) { $lab.Stop() }
}

Describe 'A schema that changes while it replicates' {
    It '-CarryOver is refused where nothing replicates' {
        { Start-BucardoSync -CarryOver } | Should -Throw -ErrorId 'MigrationUnknown,*'
    }

    It 'is told with the command that carries it over, and carried over by that' {
        Start-BucardoSync -WarningAction SilentlyContinue | Out-Null
        Get-SyncStatus -Wait -TimeoutSec 120 | Out-Null
        Invoke-Query $lab.SourceUrl "create table public.late (id integer primary key); insert into public.late values (1); alter table public.accounts add column mood text default 'good'"
        $status = Get-SyncStatus
        $status.SwitchReadiness | Should -Be 'Blocked'
        ($status.SwitchReasons | Where-Object Id -EQ 'SchemaDrift').Remedy | Should -Match 'Start-BucardoSync -CarryOver'
        (Invoke-FreshPowerShell 'Start-BucardoSync -CarryOver -WhatIf').Output | Should -Match '(?s)table "public"\."late".*ADD COLUMN IF NOT EXISTS "mood" text DEFAULT ''good'''
        Invoke-Query $lab.TargetUrl "select to_regclass('public.late') is null" | Should -Be 't'
        Start-BucardoSync -CarryOver -WarningAction SilentlyContinue | Out-Null
        Invoke-Query $lab.TargetUrl 'select count(*) from public.late' | Should -Be 1
        Invoke-Query $lab.TargetUrl "select count(*) from public.accounts where mood is distinct from 'good'" | Should -Be 0
        (Get-SyncStatus -Wait -TimeoutSec 120).SwitchReadiness | Should -Be 'Ready'
    }

    It 'rows that differed are refused by the switch unless -AllowDifferences says so' {
        Invoke-Query $lab.TargetUrl "update public.accounts set mood = 'bad' where id = (select min(id) from public.accounts)"
        Test-MigrationData -WarningAction SilentlyContinue | Out-Null
        { Invoke-TrafficSwitch -Force } | Should -Throw -ErrorId 'SwitchRefused,*'
        (Invoke-TrafficSwitch -Force -AllowDifferences -CompareBudgetMs 0 -WarningAction SilentlyContinue).Phase | Should -Be 'Switched'
        Complete-Migration -Force | Out-Null
    }
}

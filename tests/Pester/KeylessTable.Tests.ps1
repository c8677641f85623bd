BeforeAll {
    . $PSScriptRoot/Shared.ps1
    . $PSScriptRoot/Lab.ps1
    Import-Module $ModuleManifest -Force
    $lab = [Lab]::new($LabProgram, @('--tiny'))
    $lab.MakeDefault()
    Invoke-Query $lab.SourceUrl 'create table public."Käse.Bröt" (a integer); insert into public."Käse.Bröt" values (1)'
}

AfterAll {
    if ($lab) { $lab.Stop() }
}

Describe 'Start-BucardoSync -KeylessTable' {
    It 'takes Copy, Skip and Refuse' {
        [enum]::GetNames((Get-Command Start-BucardoSync).Parameters['KeylessTable'].ParameterType) | Should -Be 'Copy', 'Skip', 'Refuse'
        { Start-BucardoSync -KeylessTable Forget } | Should -Throw -ErrorId 'CannotConvertArgumentNoMessage,*'
    }

    It 'Refuse ends with an error that names the tables, and changes nothing' {
        $source = Get-Footprint $lab.SourceUrl
        $target = Get-Footprint $lab.TargetUrl
        { Start-BucardoSync -KeylessTable Refuse } | Should -Throw -ErrorId 'KeylessTablesRefused,*'
        $Error[0].Exception.Message | Should -Match 'Käse\.Bröt'
        $Error[0].CategoryInfo.Category | Should -Be 'InvalidOperation'
        $Error[0].ErrorDetails.RecommendedAction | Should -Match 'Skip'
        Get-Footprint $lab.SourceUrl | Should -Be $source
        Get-Footprint $lab.TargetUrl | Should -Be $target
    }

    It 'Skip -WhatIf names what would be left out' {
        (Invoke-FreshPowerShell 'Start-BucardoSync -KeylessTable Skip -WhatIf').Output | Should -Match 'Leave \d+ tables without a usable key empty.*Käse\.Bröt'
    }

    It 'Skip leaves their rows out, and says so' {
        $started = Start-BucardoSync -KeylessTable Skip -WarningVariable warnings -WarningAction SilentlyContinue
        $started.TablesLeftOut | Should -Contain '"public"."Käse.Bröt"'
        "$warnings" | Should -Match 'left out.*Käse\.Bröt'
        Get-SyncStatus | Out-String -Width 300 | Should -Match 'Left out, without their rows'
        { Start-BucardoSync -KeylessTable Copy } | Should -Throw -ErrorId 'KeylessTableFixed,*'
        $switched = Get-SyncStatus -Wait -TimeoutSec 120 | Invoke-TrafficSwitch -Force -WarningAction SilentlyContinue
        $switched.TablesLeftOut | Should -Contain '"public"."Käse.Bröt"'
        $switched | Out-String | Should -Match 'LeftOut'
        Invoke-Query $lab.TargetUrl 'select count(*) from public."Käse.Bröt"' | Should -Be 0
        ($switched | Complete-Migration -Force | Out-String -Width 200) | Should -Match 'left out'
    }
}

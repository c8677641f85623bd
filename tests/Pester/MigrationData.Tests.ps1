BeforeAll {
    . $PSScriptRoot/Shared.ps1
    . $PSScriptRoot/Lab.ps1
    Import-Module $ModuleManifest -Force
    $rendering = $PSStyle.OutputRendering
    $PSStyle.OutputRendering = 'PlainText'
    $lab = [Lab]::new($LabProgram, @('--tiny'))
    $lab.MakeDefault()
    Start-BucardoSync | Out-Null
}

AfterAll {
    $PSStyle.OutputRendering = $rendering
    if ($lab) {
        Stop-Migration -Force -ErrorAction Ignore | Out-Null
        $lab.Stop()
    }
}

Describe 'A comparison of both sides' {
    It 'refuses what is out of range or fits no table' {
        { Test-MigrationData -Jobs 0 } | Should -Throw -ErrorId 'ParameterArgumentValidationError,*'
        { Test-MigrationData -Sample 0 } | Should -Throw -ErrorId 'ComparisonOptionInvalid,HerokuMigrator.Commands.TestMigrationDataCommand'
        { Test-MigrationData -Table public.Accounts } | Should -Throw -ErrorId 'UnknownTable,HerokuMigrator.Commands.TestMigrationDataCommand'
    }

    It 'returns one result a table, and all are equal' {
        $results = Test-MigrationData
        $results.Count | Should -Be 7
        $results | Should -BeOfType HerokuMigrator.DataComparison
        $results.Outcome | Sort-Object -Unique | Should -Be 'Equal'
        ($results | Where-Object Table -EQ '"Mixed Case"."Käse.Bröt"').SourceRows | Should -Be 100
    }

    It 'names the row that differs with both versions, in a table for people' {
        Invoke-Query $lab.TargetUrl "update `"Mixed Case`".`"Käse.Bröt`" set `"select`" = 'other' where `"Id`" = md5('5')::uuid" | Out-Null
        $result = Test-MigrationData -Table 'Mixed Case.Käse*'
        $result.Outcome | Should -Be 'Different'
        $result.RowsDiffering | Should -Be 1
        $difference = $result.Differences[0]
        $difference.Kind | Should -Be 'Changed'
        $difference.Columns | Should -Be 'select'
        $difference.Target | Should -Be "`"select`" = 'other'"
        $difference.Source | Should -Match 'back.*slash 5'
        $result | Out-String -Width 250 | Should -Match 'Different\s+"Mixed Case"\."Käse\.Bröt"\s+100\s+100\s+1\s+Changed'
        $difference | Out-String | Should -Match 'Source\s*: "select" = '
        Should-HoldNoSecret ($result | ConvertTo-Json -Depth 5)
        $copy = [Management.Automation.PSSerializer]::Deserialize([Management.Automation.PSSerializer]::Serialize($result))
        $copy.Outcome | Should -Be 'Different'
        $copy.Differences[0].Key | Should -Be $difference.Key
    }

    It 'says with -WhatIf what a repair would do, and does it without' {
        $before = Get-TableContent $lab.TargetUrl
        $said = (Invoke-FreshPowerShell "Test-MigrationData -Repair -WhatIf").Output
        $said | Should -Match 'bucardo'
        Get-TableContent $lab.TargetUrl | Should -Be $before
        $result = Test-MigrationData -Table 'Mixed Case.*' | Where-Object Outcome -EQ 'Different' | Test-MigrationData -Repair
        $result.Outcome | Should -Be 'Repaired'
        $result.RowsRepaired | Should -Be 1
        $result.Differences[0].Repaired | Should -BeTrue
        (Test-MigrationData -Table 'Mixed Case.*').Outcome | Should -Be 'Equal'
        Get-TableContent $lab.TargetUrl | Should -Be (Get-TableContent $lab.SourceUrl)
    }

    It 'compares the objects too, and names an index that is gone' {
        # The target's role may not make pg_stat_statements; the start has warned of it.
        $before = Test-MigrationData -Objects
        ($before | Where-Object Kind -EQ 'Extension').Differences.Object | Should -Be 'pg_stat_statements'
        ($before | Where-Object Kind -NE 'Extension').Outcome | Sort-Object -Unique | Should -Be 'Equal'
        Invoke-Query $lab.TargetUrl 'drop index public.transfers_account_id_idx' | Out-Null
        $results = Test-MigrationData -Objects
        $results | Should -BeOfType HerokuMigrator.ObjectComparison
        ($results | Where-Object Outcome -EQ 'Different').Kind | Should -Be 'Extension', 'Index'
        $results | Out-String -Width 200 | Should -Match 'Different\s+Index\s+\d+\s+Missing public\.transfers_account_id_idx'
        Invoke-Query $lab.TargetUrl 'create index transfers_account_id_idx on public.transfers (account_id)' | Out-Null
    }

    It 'compares a sample, and says what is not in it' {
        $results = Test-MigrationData -Sample 30
        ($results | Measure-Object ChunksCompared -Sum).Sum | Should -Be 2
        ($results | Where-Object Outcome -EQ 'NotCompared').Detail | Sort-Object -Unique | Should -Be 'it is not in the sample'
    }

    It 'takes the migration from the pipeline, and needs no terminal' {
        $result = Invoke-FreshPowerShell 'Get-SyncStatus | Test-MigrationData -InformationAction Continue | Group-Object Outcome | ForEach-Object { "$($_.Name) $($_.Count)" }'
        $result.Output | Should -Match 'Equal 7'
        $result.Output | Should -Match 'Comparing both sides'
    }
}

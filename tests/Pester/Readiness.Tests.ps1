BeforeAll {
    . $PSScriptRoot/Shared.ps1
    . $PSScriptRoot/Lab.ps1
    Import-Module $ModuleManifest -Force
    $lab = [Lab]::new($LabProgram, @('--tiny'))
    $lab.MakeDefault()
    # Something that blocks, with a name that needs quotes.
    Invoke-Query $lab.TargetUrl 'create table public."Käse.Bröt"(id int)' | Out-Null
    $ids = @{ Include = 'TargetEmpty', 'SameDatabase', 'SourceSize' }
    $report = Test-MigrationReadiness

    function Get-ErrorId([scriptblock] $Script) {
        try { & $Script | Out-Null } catch { return $_.FullyQualifiedErrorId }
    }
}

AfterAll {
    if ($lab) { $lab.Stop() }
}

Describe 'Filtering' {
    It 'the checks of a report by status gives those that block' {
        $blocked = @($report.Checks | Where-Object Status -EQ Blocked)
        $blocked.Id | Should -Be 'TargetEmpty'
        $blocked.Objects | Should -Be '"public"."Käse.Bröt"'
    }

    It 'expanded checks by status gives the same' {
        $blocked = @(Test-MigrationReadiness @ids -ExpandChecks | Where-Object Status -EQ Blocked)
        $blocked | Should -BeOfType HerokuMigrator.ReadinessCheck
        $blocked.Id | Should -Be 'TargetEmpty'
    }

    It 'the report itself by status lets it through where that is its verdict' {
        Test-MigrationReadiness @ids | Where-Object Status -EQ Blocked | Should -BeOfType HerokuMigrator.ReadinessReport
        Test-MigrationReadiness -Include SameDatabase | Where-Object Status -EQ Blocked | Should -BeNullOrEmpty
    }

    It 'by -Include and -Exclude runs those checks alone, and names the others' {
        $chosen = Test-MigrationReadiness -Include target*, SAMEDATABASE -Exclude TargetTls
        $chosen.Checks.Id | Should -Contain 'SameDatabase'
        $chosen.Checks.Id | Should -Not -Contain 'TargetTls'
        $chosen.Checks.Id | Where-Object { $_ -notlike 'Target*' } | Should -Be 'SameDatabase'
        $chosen.LeftOut | Should -Contain 'TargetTls'
        $chosen.Checks.Count + $chosen.LeftOut.Count | Should -Be $report.Checks.Count
    }
}

Describe 'A runbook' {
    It 'gets a bool, and nothing else' {
        $answer = Test-MigrationReadiness @ids -Quiet
        $answer | Should -BeOfType bool
        $answer | Should -BeFalse
        Test-MigrationReadiness -Quiet -Include SameDatabase | Should -BeTrue
    }

    It 'is refused by the start that a blocked report is piped into' {
        Get-ErrorId { $report | Start-BucardoSync } | Should -Be 'NotReady,HerokuMigrator.Commands.StartBucardoSyncCommand'
    }
}

Describe 'What is asked for wrongly' {
    It '<Id>: <Arguments.Keys> <Arguments.Values>' -ForEach @(
        @{ Id = 'UnknownCheck'; Arguments = @{ Include = 'NoSuchCheck' } }
        @{ Id = 'UnknownCheck'; Arguments = @{ Exclude = 'NoSuch*' } }
        @{ Id = 'NoCheckLeft'; Arguments = @{ Exclude = '*' } }
        @{ Id = 'ReportFormatUnknown'; Arguments = @{ OutFile = 'report.pdf' } }
        @{ Id = 'ReportFileUnusable'; Arguments = @{ OutFile = 'no/such/folder/report.md' } }
        @{ Id = 'ReportFileUnusable'; Arguments = @{ OutFile = 'Env:report.md' } }
        @{ Id = 'AmbiguousParameterSet'; Arguments = @{ Quiet = $true; ExpandChecks = $true } }
    ) {
        # No database is asked: nothing listens there.
        $nowhere = 'postgres://a:b@127.0.0.1:1/x?sslmode=disable'
        Get-ErrorId { Test-MigrationReadiness @Arguments -SourceUrl $nowhere -TargetUrl $nowhere.Replace('/x', '/y') } | Should -BeLike "$Id,*"
    }
}

Describe 'Completing' {
    It '<Line> offers <Expected>' -ForEach @(
        @{ Line = 'Test-MigrationReadiness -Include Target'; Expected = 'TargetEmpty' }
        @{ Line = 'Test-MigrationReadiness -Include SameDatabase, target'; Expected = 'TargetEmpty' }
        @{ Line = 'Test-MigrationReadiness -Exclude '; Expected = 'SameDatabase' }
    ) {
        $completions = (TabExpansion2 $Line -cursorColumn $Line.Length).CompletionMatches
        $completions.CompletionText | Should -Contain $Expected
        ($completions | Where-Object CompletionText -EQ $Expected).ToolTip | Should -Match ' '
    }

    It 'offers every check that there is' {
        $line = 'Test-MigrationReadiness -Include '
        [string[]] $known = $report.Checks.Id
        [Array]::Sort($known, [StringComparer]::Ordinal)
        (TabExpansion2 $line -cursorColumn $line.Length).CompletionMatches.CompletionText | Should -Be $known
    }
}

Describe 'A file' {
    BeforeAll {
        $folder = Join-Path $TestDrive 'files'
        New-Item -ItemType Directory $folder | Out-Null
        Push-Location $folder
    }

    AfterAll { Pop-Location }

    It 'gets the report by its ending, in PowerShell''s own folder: <_>' -ForEach 'report.md', 'report.json' {
        Test-MigrationReadiness @ids -Quiet -OutFile $_ | Should -BeFalse
        $text = Get-Content -Raw "$folder/$_"
        $text | Should -Match 'Käse\.Bröt'
        Should-HoldNoSecret $text
        Get-ChildItem -Force $folder -Filter '*.tmp' | Should -BeNullOrEmpty
    }

    It 'as JSON can be read back' {
        $document = Get-Content -Raw "$folder/report.json" | ConvertFrom-Json
        ($document.checks | Where-Object status -EQ 'Blocked').id | Should -Be 'TargetEmpty'
        $document.isReady | Should -BeFalse
    }

    It 'as CSV holds the settings that differ, as Import-Csv reads them' {
        Test-MigrationReadiness @ids -OutFile settings.csv | Out-Null
        $rows = @(Import-Csv settings.csv)
        $rows.Count | Should -BeGreaterThan 0
        $rows[0].PSObject.Properties.Name | Should -Be 'Name', 'Source', 'Target'
        Should-HoldNoSecret (Get-Content -Raw settings.csv)
    }

    It 'is replaced, but not with -NoClobber' {
        Set-Content old.md 'old'
        Get-ErrorId { Test-MigrationReadiness @ids -OutFile old.md -NoClobber } | Should -BeLike 'ReportFileExists,*'
        Get-Content old.md | Should -Be 'old'
        Test-MigrationReadiness @ids -OutFile old.md | Out-Null
        Get-Content -Raw old.md | Should -Match 'Readiness of default'
    }
}

Describe 'A report that has been elsewhere' {
    It 'is whole after a job, and shows itself' {
        $job = Start-Job { param($module, $ids) Import-Module $module; Test-MigrationReadiness @ids } -ArgumentList $ModuleManifest, $ids
        $copy = $job | Receive-Job -Wait -AutoRemoveJob
        $copy.Status | Should -Be 'Blocked'
        @($copy.Checks | Where-Object Status -EQ Blocked).Objects | Should -Be '"public"."Käse.Bröt"'
        $copy | Out-String | Should -Match '(?s)TargetEmpty.*DROP TABLE "public"\."Käse\.Bröt".*default: blocked'
    }

    It 'is whole after Export-Clixml, without a password' {
        $report | Export-Clixml $TestDrive/report.xml
        Should-HoldNoSecret (Get-Content -Raw $TestDrive/report.xml)
        $copy = Import-Clixml $TestDrive/report.xml
        ($copy | Out-String) | Should -Be ($report | Out-String)
        $copy.Source.Host | Should -Be $report.Source.Host
    }

    It 'is whole as JSON, without a password' {
        $json = $report | ConvertTo-Json -Depth 6 -EnumsAsStrings -WarningVariable cut -WarningAction SilentlyContinue
        $cut | Should -BeNullOrEmpty
        Should-HoldNoSecret $json
        $copy = $json | ConvertFrom-Json
        ($copy.Checks | Where-Object Status -EQ Blocked).Objects | Should -Be '"public"."Käse.Bröt"'
    }
}

Describe 'The link of each check' {
    It 'leads to a file in the module''s folder' {
        $files = $report.Checks.Link | ForEach-Object { $_.Split('#')[0] } | Sort-Object -Unique
        $files | Should -Be 'docs/checks.md'
        Join-Path (Split-Path $ModuleManifest) $files | Should -Exist
    }
}

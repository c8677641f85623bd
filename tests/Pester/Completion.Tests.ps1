BeforeAll {
    . $PSScriptRoot/Shared.ps1
    Import-Module $ModuleManifest -Force
    $root = Join-Path $env:XDG_STATE_HOME 'heroku-migrator'
    foreach ($name in 'shop', 'shop-two', 'other') {
        New-Item -ItemType Directory (Join-Path $root $name) | Out-Null
        Set-Content (Join-Path $root $name connections.json) '{"Source":"postgres://127.0.0.1:1/a","Target":"postgres://127.0.0.1:1/b"}'
    }
    Set-Content (Join-Path $root shop tables.json) '["public.Käse.Bröt","public.order items","public.orders"]'

    function Get-Completion([string] $Line) { @((TabExpansion2 $Line -cursorColumn $Line.Length).CompletionMatches) }
}

Describe 'Completing' {
    It '-Name of <_> offers the migrations of this machine' -ForEach 'Get-SyncStatus', 'Start-BucardoSync', 'Invoke-TrafficSwitch', 'Stop-Migration' {
        (Get-Completion "$_ -Name sh").CompletionText | Should -Be 'shop', 'shop-two'
        (Get-Completion "$_ -Name ").CompletionText | Should -Be 'other', 'shop', 'shop-two'
    }

    It '-Table of Test-MigrationData offers the tables of the named migration, in quotes where they need them, and asks no server' {
        (Get-Completion 'Test-MigrationData -Name shop -Table public.o').CompletionText | Should -Be "'public.order items'", 'public.orders'
        (Get-Completion 'Test-MigrationData -Name shop -Table public.orders, public.k').CompletionText | Should -Be "'public.Käse.Bröt'"
        (Get-Completion 'Test-MigrationData -Name other -Table pub').CompletionText | Should -Not -Contain 'public.orders'
    }

    It 'an enum offers its names: <Line>' -ForEach @(
        @{ Line = 'Start-BucardoSync -KeylessTable '; Expected = 'Copy', 'Refuse', 'Skip' }
    ) {
        (Get-Completion $Line).CompletionText | Sort-Object | Should -Be $Expected
    }
}

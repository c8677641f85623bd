BeforeDiscovery {
    $changing = @(
        @{ Command = 'Start-BucardoSync'; Impact = 'Medium'; Guarded = $false }
        @{ Command = 'Suspend-BucardoSync'; Impact = 'Medium'; Guarded = $false }
        @{ Command = 'Resume-BucardoSync'; Impact = 'Medium'; Guarded = $false }
        @{ Command = 'Test-MigrationData'; Impact = 'Medium'; Guarded = $false }
        @{ Command = 'Invoke-TrafficSwitch'; Impact = 'High'; Guarded = $true }
        @{ Command = 'Undo-TrafficSwitch'; Impact = 'High'; Guarded = $true }
        @{ Command = 'Complete-Migration'; Impact = 'High'; Guarded = $true }
        @{ Command = 'Stop-Migration'; Impact = 'High'; Guarded = $true }
    )
    $all = @('Test-MigrationReadiness', 'Get-SyncStatus', 'Get-MigrationLog', 'Export-MigrationReport') + $changing.Command
    $outputs = @(
        @{ Command = 'Test-MigrationReadiness'; Type = 'HerokuMigrator.ReadinessReport' }
        @{ Command = 'Start-BucardoSync'; Type = 'HerokuMigrator.Migration' }
        @{ Command = 'Get-SyncStatus'; Type = 'HerokuMigrator.SyncStatus' }
        @{ Command = 'Suspend-BucardoSync'; Type = 'HerokuMigrator.SyncStatus' }
        @{ Command = 'Resume-BucardoSync'; Type = 'HerokuMigrator.SyncStatus' }
        @{ Command = 'Test-MigrationData'; Type = 'HerokuMigrator.DataComparison' }
        @{ Command = 'Test-MigrationData'; Type = 'HerokuMigrator.ObjectComparison' }
        @{ Command = 'Invoke-TrafficSwitch'; Type = 'HerokuMigrator.TrafficSwitch' }
        @{ Command = 'Undo-TrafficSwitch'; Type = 'HerokuMigrator.TrafficSwitch' }
        @{ Command = 'Complete-Migration'; Type = 'HerokuMigrator.Migration' }
        @{ Command = 'Stop-Migration'; Type = 'HerokuMigrator.Migration' }
        @{ Command = 'Get-MigrationLog'; Type = 'HerokuMigrator.MigrationLogEntry' }
        @{ Command = 'Export-MigrationReport'; Type = 'System.IO.FileInfo' }
    )
}

BeforeAll {
    . $PSScriptRoot/Shared.ps1
    Import-Module $ModuleManifest -Force
}

Describe 'The module' {
    It 'has a valid manifest for PowerShell 7.6' {
        $manifest = Test-ModuleManifest $ModuleManifest -ErrorAction Stop
        $manifest.PowerShellVersion | Should -Be '7.6'
        $manifest.CompatiblePSEditions | Should -Be 'Core'
    }

    It 'exports its cmdlets and nothing else' {
        $expected = 'Complete-Migration', 'Export-MigrationReport', 'Get-MigrationLog', 'Get-SyncStatus', 'Invoke-TrafficSwitch', 'Resume-BucardoSync', 'Start-BucardoSync',
            'Stop-Migration', 'Suspend-BucardoSync', 'Test-MigrationData', 'Test-MigrationReadiness', 'Undo-TrafficSwitch'
        $module = Get-Module HerokuMigrator
        $module.ExportedCommands.Keys | Sort-Object | Should -Be $expected
        $module.ExportedCommands.Values.CommandType | Sort-Object -Unique | Should -Be 'Cmdlet'
        $module.ExportedVariables.Count | Should -Be 0
    }

    It 'has every cmdlet that its assembly holds in its manifest' {
        $classes = [HerokuMigrator.Commands.WorkerHost].Assembly.GetExportedTypes() | Where-Object {
            $_.GetCustomAttributes([Management.Automation.CmdletAttribute], $false)
        }
        $classes.Count | Should -Be (Get-Module HerokuMigrator).ExportedCommands.Count
        $classes | Where-Object { -not $_.IsSealed } | Should -BeNullOrEmpty
    }

    It 'uses approved verbs' {
        (Get-Command -Module HerokuMigrator).Verb | Where-Object { $_ -notin (Get-Verb).Verb } | Should -BeNullOrEmpty
    }

    It 'can be removed and imported again, and still finds its engine' {
        $script = @'
Remove-Module HerokuMigrator
Import-Module $manifest
try { Get-SyncStatus -SourceUrl 'nonsense' -TargetUrl 'nonsense' } catch { $_.FullyQualifiedErrorId }
'@
        $result = Invoke-FreshPowerShell "`$manifest = '$ModuleManifest'; $script"
        $result.Output | Should -Match '^ConnectionStringInvalid,'
    }
}

Describe '<_>' -ForEach $all {
    BeforeAll { $command = Get-Command $_ }

    It 'takes <Parameter>, also as <Alias>, from objects of the pipeline by property name' -ForEach @(
        @{ Parameter = 'SourceUrl'; Alias = 'Source' }
        @{ Parameter = 'TargetUrl'; Alias = 'Target' }
        @{ Parameter = 'Name'; Alias = $null }
    ) {
        $metadata = $command.Parameters[$Parameter]
        $metadata | Should -Not -BeNullOrEmpty
        if ($Alias) { $metadata.Aliases | Should -Contain $Alias }
        $metadata.ParameterSets.Values.ValueFromPipelineByPropertyName | Should -Be $true
        $metadata.ParameterSets.Values.IsMandatory | Should -Be $false
    }

    It 'shows its syntax' {
        Get-Help $command.Name | Out-String | Should -Match $command.Name
    }
}

Describe '<Command> changes something' -ForEach $changing {
    BeforeAll {
        $commandInfo = Get-Command $Command
        $attribute = $commandInfo.ImplementingType.GetCustomAttributes([Management.Automation.CmdletAttribute], $false)[0]
    }

    It 'knows -WhatIf and -Confirm, and has impact <Impact>' {
        $commandInfo.Parameters.Keys | Should -Contain 'WhatIf'
        $commandInfo.Parameters.Keys | Should -Contain 'Confirm'
        $attribute.ConfirmImpact | Should -Be $Impact
    }

    It 'has -Force where it asks, and only there' {
        $commandInfo.Parameters.ContainsKey('Force') | Should -Be $Guarded
    }
}

Describe '<Command> returns <Type>' -ForEach $outputs {
    It 'says so' { (Get-Command $Command).OutputType.Name | Should -Contain $Type }
}

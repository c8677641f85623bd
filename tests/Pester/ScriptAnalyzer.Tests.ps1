BeforeDiscovery {
    $missing = -not (Get-Module -ListAvailable PSScriptAnalyzer)
    if ($missing) { Write-Information 'PSScriptAnalyzer is not here (Install-PSResource PSScriptAnalyzer): scripts are not analysed.' -InformationAction Continue }
}

Describe 'Every script of the project' -Skip:$missing {
    It 'is as PSScriptAnalyzer wants it, but for the rules that the settings leave out' {
        . $PSScriptRoot/Shared.ps1
        $root = [IO.Path]::GetFullPath("$PSScriptRoot/../..")
        $scripts = @(
            Get-ChildItem $root -File
            Get-ChildItem (Get-ChildItem $root -Directory -Exclude out, bin, obj) -File -Recurse
        ) | Where-Object { $_.Extension -in '.ps1', '.psm1', '.psd1' -and $_.FullName -notmatch '[\\/](bin|obj)[\\/]' }
        $scripts.Count | Should -BeGreaterThan 20
        $findings = foreach ($script in $scripts) {
            $settings = [IO.Path]::GetRelativePath($root, $script) -like 'tests*' ? "$root/tests/PSScriptAnalyzerSettings.psd1" : "$root/PSScriptAnalyzerSettings.psd1"
            # The manifest's files lie beside it only once the module is laid out.
            $path = $script.FullName -eq "$root/HerokuMigrator.psd1" ? $ModuleManifest : $script.FullName
            Invoke-ScriptAnalyzer -Path $path -Settings $settings | ForEach-Object { "$($_.ScriptPath):$($_.Line) $($_.RuleName): $($_.Message)" }
        }
        $findings | Should -BeNullOrEmpty
    }
}

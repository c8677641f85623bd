# The package as a gallery would serve it, installed from a folder into a home of its own.
BeforeDiscovery {
    $folder = $env:HEROKU_MIGRATOR_PACKAGE
    $skip = -not $folder -or -not (Get-Item "$folder/*.nupkg" -ErrorAction Ignore)
    if ($skip) { Write-Information 'No package is built (build.sh package): what installs from it is left out.' -InformationAction Continue }
}

BeforeAll {
    . $PSScriptRoot/Shared.ps1
    $folder = $env:HEROKU_MIGRATOR_PACKAGE
    $packed = "$folder/HerokuMigrator"
    $manifestFile = "$packed/HerokuMigrator.psd1"
}

Describe 'The package' -Skip:$skip {
    It 'has a manifest without a fault, with what a gallery shows' {
        $manifest = Test-ModuleManifest $manifestFile -ErrorAction Stop -WarningVariable warnings
        $warnings | Should -BeNullOrEmpty
        $manifest.PowerShellVersion | Should -Be '7.6'
        $manifest.CompatiblePSEditions | Should -Be 'Core'
        $manifest.Tags | Should -Not -Match '\s' -Because 'a gallery would cut such a tag in two'
        $manifest.PrivateData.PSData.Prerelease | Should -Match '^[a-z]+\d*$'
        foreach ($field in 'Author', 'Description', 'Copyright', 'Tags', 'LicenseUri', 'ReleaseNotes') { $manifest.$field | Should -Not -BeNullOrEmpty -Because $field }
        foreach ($field in 'CmdletsToExport', 'FunctionsToExport', 'AliasesToExport', 'VariablesToExport') {
            (Import-PowerShellDataFile $manifestFile).$field | Should -Not -Contain '*' -Because $field
        }
    }

    It 'has one version in manifest and assemblies' {
        $version = (Import-PowerShellDataFile $manifestFile).ModuleVersion
        foreach ($file in 'HerokuMigrator.dll', 'HerokuMigrator.Contracts.dll', 'Dependencies/HerokuMigrator.Engine.dll') {
            [Reflection.AssemblyName]::GetAssemblyName("$packed/$file").Version | Should -Be "$version.0"
        }
    }

    It 'holds assemblies that run on every system: <_>' -ForEach @(if (-not $skip) { (Get-ChildItem -Recurse "$folder/HerokuMigrator" -Filter *.dll).FullName | ForEach-Object { [IO.Path]::GetRelativePath($folder, $_) } }) {
        $reader = [Reflection.PortableExecutable.PEReader]::new([IO.File]::OpenRead("$folder/$_"))
        try {
            $reader.PEHeaders.CorHeader.ManagedNativeHeaderDirectory.Size | Should -Be 0 -Because 'code that is compiled ahead is for one system'
            $reader.PEHeaders.CorHeader.Flags | Should -Match 'ILOnly'
        }
        finally { $reader.Dispose() }
    }

    It 'keeps the contracts out of the folder of dependencies, where they would be another type' {
        "$packed/Dependencies/HerokuMigrator.Contracts.dll" | Should -Not -Exist
        "$packed/Dependencies/HerokuMigrator.Engine.dll" | Should -Exist
    }

    It 'tells the terms of each package in it' {
        $notices = Get-Content -Raw "$packed/THIRD-PARTY-NOTICES.txt"
        foreach ($file in Get-ChildItem "$packed/Dependencies/*.dll" -Exclude HerokuMigrator*) { $notices | Should -Match "(?m)^$([regex]::Escape($file.BaseName)) \d" }
        $notices | Should -Match 'Permission is hereby granted'
    }

    It 'is installed from a repository by its name, and works' {
        $script = @'
$ErrorActionPreference = 'Stop'
Register-PSResourceRepository -Name Local -Uri $folder -Trusted
Install-PSResource HerokuMigrator -Repository Local -Prerelease
$module = Import-Module HerokuMigrator -PassThru
"installed: $($module.Version)-$($module.PrivateData.PSData.Prerelease) below the home: $($module.ModuleBase.StartsWith($HOME))"
"cmdlets: $((Get-Command -Module HerokuMigrator).Count)"
"help: $((Get-Help Start-BucardoSync).Synopsis)"
"topic: $(((Get-Help about_HerokuMigrator) | Out-String).Contains('Test-MigrationReadiness'))"
try { Get-SyncStatus -SourceUrl nonsense -TargetUrl nonsense } catch { "engine: $($_.FullyQualifiedErrorId)" }
'@
        $homeFolder = New-Item -ItemType Directory "$TestDrive/home"
        $was = @{ HOME = $env:HOME; XDG_DATA_HOME = $env:XDG_DATA_HOME; PSModulePath = $env:PSModulePath }
        try {
            $env:HOME = $homeFolder.FullName
            $env:XDG_DATA_HOME = $env:PSModulePath = $null
            $encoded = [Convert]::ToBase64String([Text.Encoding]::Unicode.GetBytes("`$folder = '$folder'; $script"))
            $output = $null | & $PowerShell @PowerShellFirst -NoLogo -NoProfile -NonInteractive -OutputFormat Text -EncodedCommand $encoded 2>&1 | Out-String
        }
        finally { foreach ($name in $was.Keys) { Set-Item "Env:$name" $was[$name] } }
        $version = (Import-PowerShellDataFile $manifestFile)
        $output | Should -Match "installed: $($version.ModuleVersion)-$($version.PrivateData.PSData.Prerelease) below the home: True"
        $output | Should -Match "cmdlets: $($version.CmdletsToExport.Count)"
        $output | Should -Match 'help: Starts a migration'
        $output | Should -Match 'topic: True'
        $output | Should -Match 'engine: ConnectionStringInvalid,'
    }
}

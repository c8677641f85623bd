BeforeAll { . $PSScriptRoot/Shared.ps1 }

Describe 'The load context' {
    It 'keeps the engine and its packages apart, and shares the contracts' {
        $result = Invoke-FreshPowerShell @'
try { Get-SyncStatus -SourceUrl 'nonsense' -TargetUrl 'nonsense' } catch { $_.Exception.GetType().Assembly -eq [HerokuMigrator.SyncStatus].Assembly }
foreach ($assembly in [AppDomain]::CurrentDomain.GetAssemblies()) {
    if ($assembly.GetName().Name -match '^(HerokuMigrator|Npgsql|CliWrap)') {
        "$($assembly.GetName().Name) in $([Runtime.Loader.AssemblyLoadContext]::GetLoadContext($assembly).Name)"
    }
}
'@
        $lines = $result.Output -split '\r?\n' | Where-Object { $_ }
        $lines[0] | Should -Be 'True'
        $lines | Should -Contain 'HerokuMigrator in Default'
        $lines | Should -Contain 'HerokuMigrator.Contracts in Default'
        $lines | Should -Contain 'HerokuMigrator.Engine in HerokuMigrator'
        @($lines -match '^HerokuMigrator\.Contracts in').Count | Should -Be 1
        $lines | Should -Not -Contain 'Npgsql in Default'
        $lines | Should -Not -Contain 'CliWrap in Default'
    }

    It 'loads no dependency before a cmdlet needs it' {
        $result = Invoke-FreshPowerShell @'
$ours = { [AppDomain]::CurrentDomain.GetAssemblies().GetName().Name | Where-Object { $_ -match '^(HerokuMigrator|Npgsql|CliWrap|Microsoft\.Extensions\.)' } | Sort-Object }
"import: $(& $ours)"
$null = Get-Command -Module HerokuMigrator -Syntax
"commands: $(& $ours)"
try { Get-SyncStatus -SourceUrl 'postgres://a:b@127.0.0.1:1/x?sslmode=disable' -TargetUrl 'postgres://a:b@127.0.0.1:1/y?sslmode=disable' } catch { }
"used: $(& $ours)"
'@
        $result.Output | Should -Match '(?m)^import: HerokuMigrator HerokuMigrator\.Contracts\s*$'
        $result.Output | Should -Match '(?m)^commands: HerokuMigrator HerokuMigrator\.Contracts\s*$'
        $result.Output | Should -Match '(?m)^used: .*Npgsql'
    }

    It 'does not mind other versions of <Name>, loaded <When>' -ForEach @(
        foreach ($name in 'Npgsql', 'Microsoft.Extensions.Logging.Abstractions', 'CliWrap') {
            foreach ($when in 'before', 'after') { @{ Name = $name; When = $when } }
        }
    ) {
        $result = Invoke-FreshPowerShell @"
`$folder = Join-Path ([IO.Path]::GetTempPath()) ([guid]::NewGuid())
`$null = New-Item -ItemType Directory `$folder
function Import-OtherModule {
    `$builder = [Reflection.Emit.PersistedAssemblyBuilder]::new([Reflection.AssemblyName]::new('$Name, Version=1.2.3.4'), [object].Assembly)
    `$null = `$builder.DefineDynamicModule('$Name').DefineType('Older.Thing', 'Public').CreateType()
    `$builder.Save("`$folder/$Name.dll")
    New-ModuleManifest "`$folder/Other.psd1" -RequiredAssemblies '$Name.dll'
    Import-Module "`$folder/Other.psd1"
}
if ('$When' -eq 'before') { Import-OtherModule }
try { Test-MigrationReadiness -SourceUrl 'postgres://a:b@127.0.0.1:1/x?sslmode=disable' -TargetUrl 'postgres://a:b@127.0.0.1:1/y?sslmode=disable' } catch { `$_.FullyQualifiedErrorId }
if ('$When' -eq 'after') { Import-OtherModule }
[AppDomain]::CurrentDomain.GetAssemblies() | Where-Object { `$_.GetName().Name -eq '$Name' } | ForEach-Object {
    "`$(`$_.GetName().Version) in `$([Runtime.Loader.AssemblyLoadContext]::GetLoadContext(`$_).Name)"
} | Sort-Object
Remove-Item -Recurse `$folder
"@
        $lines = $result.Output -split '\r?\n' | Where-Object { $_ }
        $lines[0] | Should -BeLike 'HostUnreachable,*'
        $lines | Should -Contain '1.2.3.4 in Default'
        $lines -match ' in HerokuMigrator$' | Should -Not -Contain '1.2.3.4 in HerokuMigrator'
    }
}

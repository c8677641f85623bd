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

    It 'does not mind another Npgsql, loaded before or after' -ForEach 'before', 'after' {
        $result = Invoke-FreshPowerShell @"
`$folder = Join-Path ([IO.Path]::GetTempPath()) ([guid]::NewGuid())
`$null = New-Item -ItemType Directory `$folder
function Add-OtherNpgsql {
    `$builder = [Reflection.Emit.PersistedAssemblyBuilder]::new([Reflection.AssemblyName]::new('Npgsql, Version=1.2.3.4'), [object].Assembly)
    `$null = `$builder.DefineDynamicModule('Npgsql').DefineType('Npgsql.NpgsqlConnection', 'Public').CreateType()
    `$builder.Save("`$folder/Npgsql.dll")
    `$null = [Reflection.Assembly]::LoadFrom("`$folder/Npgsql.dll")
}
if ('$_' -eq 'before') { Add-OtherNpgsql }
try { Test-MigrationReadiness -SourceUrl 'postgres://a:b@127.0.0.1:1/x?sslmode=disable' -TargetUrl 'postgres://a:b@127.0.0.1:1/y?sslmode=disable' } catch { `$_.FullyQualifiedErrorId }
if ('$_' -eq 'after') { Add-OtherNpgsql }
[AppDomain]::CurrentDomain.GetAssemblies() | Where-Object { `$_.GetName().Name -eq 'Npgsql' } | ForEach-Object {
    "`$(`$_.GetName().Version) in `$([Runtime.Loader.AssemblyLoadContext]::GetLoadContext(`$_).Name)"
} | Sort-Object
Remove-Item -Recurse `$folder
"@
        $lines = $result.Output -split '\r?\n' | Where-Object { $_ }
        $lines[0] | Should -BeLike 'HostUnreachable,*'
        $lines | Should -Contain '1.2.3.4 in Default'
        @($lines -match ' in HerokuMigrator$').Count | Should -Be 1
    }
}

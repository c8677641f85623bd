BeforeAll {
    . $PSScriptRoot/Shared.ps1
    . $PSScriptRoot/Lab.ps1
}

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

# Not a stand-in: the packages themselves, as another module ships them, and both modules connect.
Describe 'Beside a module that uses an older Npgsql' {
    BeforeAll {
        $other = (New-Item -ItemType Directory "$TestDrive/Other").FullName
        @'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <TargetFramework>net8.0</TargetFramework>
    <NuGetAudit>false</NuGetAudit>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Npgsql" Version="8.0.6" />
  </ItemGroup>
</Project>
'@ | Set-Content "$other/Packages.csproj"
        $built = dotnet publish "$other/Packages.csproj" -o "$other/module" -nodeReuse:false 2>&1 | Out-String
        if ($LASTEXITCODE -ne 0) {
            $unreachable = "no NuGet feed serves Npgsql 8: $(($built -split '\r?\n' | Select-String 'error' | Select-Object -First 1))"
            return
        }
        New-ModuleManifest "$other/module/Other.psd1" -RootModule Other.psm1 -RequiredAssemblies Npgsql.dll, Microsoft.Extensions.Logging.Abstractions.dll
        @'
function Get-OtherAnswer {
    $connection = [Npgsql.NpgsqlConnection]::new($env:OTHER_CONNECTION)
    $connection.Open()
    $command = [Npgsql.NpgsqlCommand]::new("select 'it is ' || current_database()", $connection)
    $command.ExecuteScalar()
    $connection.Dispose()
    "and $([Microsoft.Extensions.Logging.Abstractions.NullLogger]::Instance.GetType().Name)"
}
'@ | Set-Content "$other/module/Other.psm1"
        $lab = [Lab]::new($LabProgram, @('--tiny'))
        $lab.MakeDefault()
        $uri = [uri] $lab.TargetUrl
        $user, $password = $uri.UserInfo.Split(':', 2) | ForEach-Object { [uri]::UnescapeDataString($_) }
        $settings = [Data.Common.DbConnectionStringBuilder]::new()
        foreach ($pair in @{ Host = $uri.Host; Port = $uri.Port; Username = $user; Password = $password; Database = $uri.AbsolutePath.Substring(1); 'SSL Mode' = 'Require' }.GetEnumerator()) {
            $settings[$pair.Key] = $pair.Value
        }
        $env:OTHER_CONNECTION = $settings.ConnectionString
    }

    AfterAll {
        Remove-Item Env:OTHER_CONNECTION -ErrorAction Ignore
        if ($lab) { $lab.Stop() }
    }

    It 'both connect, each with its own version, where ours comes <_>' -ForEach 'last', 'first' {
        if ($unreachable) { Set-ItResult -Skipped -Because $unreachable }
        $theirs = "Import-Module '$other/module/Other.psd1'; Get-OtherAnswer"
        $ours = '"phase $((Get-SyncStatus).Phase)"; (Test-MigrationReadiness -Include SourceTls, TargetTls).Checks.ForEach({ "$($_.Id) $($_.Status)" })'
        $order = $_ -eq 'last' ? @($theirs, $ours, 'Get-OtherAnswer') : @($ours, $theirs, $ours)
        $result = Invoke-FreshPowerShell (($order -join '; ') + @'

foreach ($assembly in [AppDomain]::CurrentDomain.GetAssemblies()) {
    if ($assembly.GetName().Name -in 'Npgsql', 'Microsoft.Extensions.Logging.Abstractions') {
        "$($assembly.GetName().Name) $($assembly.GetName().Version.Major) in $([Runtime.Loader.AssemblyLoadContext]::GetLoadContext($assembly).Name)"
    }
}
'@)
        $lines = $result.Output -split '\r?\n' | Where-Object { $_ }
        $oursAnswers = 'phase NotStarted', 'SourceTls Pass', 'TargetTls Pass'
        $theirsAnswers = "it is $($uri.AbsolutePath.Substring(1))", 'and NullLogger'
        $lines -notmatch ' in ' | Should -Be ($_ -eq 'last' ? ($theirsAnswers + $oursAnswers + $theirsAnswers) : ($oursAnswers + $theirsAnswers + $oursAnswers))
        $lines -match ' in ' | Sort-Object | Should -Be @(
            'Microsoft.Extensions.Logging.Abstractions 10 in HerokuMigrator', 'Microsoft.Extensions.Logging.Abstractions 8 in Default', 'Npgsql 10 in HerokuMigrator', 'Npgsql 8 in Default')
    }
}

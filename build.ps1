#!/usr/bin/env pwsh
# Chooses a target of build/build.proj; all that is done stands there.
[CmdletBinding()]
param(
    [Parameter(Position = 0)]
    [ValidateSet('build', 'test', 'test-corpus', 'package', 'demo', 'prerequisites', 'clean')]
    [string] $Task = 'build',

    [ValidateSet('Release', 'Debug')]
    [string] $Configuration = 'Release',

    # test: also run the specs that take minutes each.
    [switch] $Long,

    # prerequisites: also get PowerShell and Pester into .tools, where none is here.
    [switch] $WithPowerShell
)

$properties = @("-p:Configuration=$Configuration")
if ($Long) { $properties += '-p:LongSpecs=true' }
if ($WithPowerShell) { $properties += '-p:WithPowerShell=true' }
$env:DOTNET_CLI_TELEMETRY_OPTOUT = '1'
$env:DOTNET_NOLOGO = '1'
# No compiler or build server is left running afterwards.
dotnet msbuild "$PSScriptRoot/build/build.proj" "-t:$($Task.Replace('-', ''))" -nologo -v:minimal -tl:off -clp:NoSummary -nodeReuse:false -p:UseSharedCompilation=false @properties
$status = $LASTEXITCODE
$summary = "$PSScriptRoot/out/test-results/summary.txt"
if ($Task -like 'test*' -and (Test-Path $summary)) { Get-Content $summary }
exit $status

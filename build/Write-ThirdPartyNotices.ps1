# Writes THIRD-PARTY-NOTICES.txt of a module folder: each package whose assembly lies in it, by the package's own metadata.
# A package whose licence has no text in licences/ stops the build, so that none is shipped without its terms.
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $ModuleFolder,
    # project.assets.json of the project that the folder was published from.
    [Parameter(Mandatory)] [string] $Assets
)
$ErrorActionPreference = 'Stop'

function Get-ShippedPackage([string] $ModuleFolder, [string] $Assets) {
    $restored = Get-Content -Raw $Assets | ConvertFrom-Json -AsHashtable
    $shipped = (Get-ChildItem -Recurse $ModuleFolder -Filter *.dll).Name | Where-Object { $_ -notlike 'HerokuMigrator*' }
    $packages = @{}
    foreach ($entry in @($restored.targets.Values)[0].GetEnumerator()) {
        foreach ($file in $entry.Value.runtime.Keys | Where-Object { $_ } | Split-Path -Leaf | Where-Object { $_ -in $shipped }) {
            $packages[$file] = $restored.packageFolders.Keys | Join-Path -ChildPath $restored.libraries[$entry.Key].path | Where-Object { Test-Path $_ } | Select-Object -First 1
        }
    }
    if (($unknown = $shipped | Where-Object { -not $packages[$_] })) { throw "No package is known to hold $($unknown -join ', ')." }
    $packages.Values | Sort-Object -Unique
}

function Get-Notice([string] $Folder) {
    $about = ([xml] (Get-Content -Raw (Get-Item "$Folder/*.nuspec"))).package.metadata
    $licence = "$PSScriptRoot/licences/$($about.license.InnerText).txt"
    if ($about.license.type -ne 'expression' -or -not (Test-Path $licence)) { throw "$($about.id): no text of its licence ($($about.license.InnerText)) in build/licences." }
    @(
        '-' * 80
        "$($about.id) $($about.version)"
        $about.projectUrl
        "Licence: $($about.license.InnerText)"
        ''
        $about.copyright
        ''
        (Get-Content -Raw $licence).TrimEnd()
        if (($own = Get-Item "$Folder/THIRD-PARTY-NOTICES*" -ErrorAction Ignore)) {
            ''
            "What $($about.id) itself was made from:"
            ''
            (Get-Content -Raw $own).Trim()
        }
        ''
    )
}

@(
    'HerokuMigrator is licensed under Apache-2.0: see LICENSE. These packages are shipped with it, unchanged.'
    ''
    Get-ShippedPackage $ModuleFolder $Assets | ForEach-Object { Get-Notice $_ }
) | Set-Content (Join-Path $ModuleFolder 'THIRD-PARTY-NOTICES.txt')

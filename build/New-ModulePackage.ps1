# Packs a module folder into a .nupkg, as PowerShell's own Publish-PSResource would before it sends it to a gallery.
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $ModuleFolder,
    [Parameter(Mandatory)] [string] $Destination
)
$ErrorActionPreference = 'Stop'
$null = Test-ModuleManifest (Get-Item "$ModuleFolder/*.psd1")
(Compress-PSResource -Path $ModuleFolder -DestinationPath $Destination -PassThru).FullName

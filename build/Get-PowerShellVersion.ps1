# Prints the version of this PowerShell and of its newest Pester, for powershell.targets.
$pester = Get-Module -ListAvailable Pester | Sort-Object Version -Descending | Select-Object -First 1
$version = $PSVersionTable.PSVersion
"$($version.Major).$($version.Minor).$($version.Patch)|$($pester.Version)"

<#
.SYNOPSIS
    Reads the connection strings of both databases from a vault of SecretManagement, for splatting.
.DESCRIPTION
    Returns a hashtable with SourceUrl and TargetUrl as SecureStrings, which every cmdlet of HerokuMigrator takes. So no password stands in an
    argument list, a file or a variable of the environment. The start keeps both in the migration's home (mode 0600); later commands need neither.

    Once, by hand, where the runbook's user is logged in:
      Install-PSResource Microsoft.PowerShell.SecretManagement, Microsoft.PowerShell.SecretStore
      Register-SecretVault Ops -ModuleName Microsoft.PowerShell.SecretStore
      Set-Secret heroku-url -Vault Ops -Secret (Read-Host -MaskInput -AsSecureString)
      Set-Secret target-url -Vault Ops -Secret (Read-Host -MaskInput -AsSecureString)
.EXAMPLE
    $database = ./Get-DatabaseSecret.ps1 -Vault Ops
    Test-MigrationReadiness @database
    Start-BucardoSync @database
#>
#Requires -Version 7.6
[CmdletBinding()]
[OutputType([hashtable])]
param(
    # The vault; without it all registered ones are asked, as Get-Secret does.
    [string] $Vault,
    [ValidateNotNullOrEmpty()] [string] $SourceName = 'heroku-url',
    [ValidateNotNullOrEmpty()] [string] $TargetName = 'target-url'
)
$ErrorActionPreference = 'Stop'
if (-not (Get-Command Get-Secret -ErrorAction Ignore)) {
    throw [System.Management.Automation.ErrorRecord]::new(
        [InvalidOperationException]::new('SecretManagement is not here: there is no Get-Secret. Install-PSResource Microsoft.PowerShell.SecretManagement and a vault such as Microsoft.PowerShell.SecretStore, for the user that runs this.'),
        'SecretManagementMissing', 'NotInstalled', $null)
}

$where = $Vault ? @{ Vault = $Vault } : @{}
$database = @{}
foreach ($secret in @{ Parameter = 'SourceUrl'; Name = $SourceName }, @{ Parameter = 'TargetUrl'; Name = $TargetName }) {
    $value = Get-Secret -Name $secret.Name @where
    # Vaults give text as a SecureString; some as a string. It is not shown where it is something else.
    $database[$secret.Parameter] = switch ($value) {
        { $_ -is [securestring] -and $_.Length -gt 0 } { $_ }
        { $_ -is [string] -and $_ } { [Net.NetworkCredential]::new('', $_).SecurePassword }
        default { throw "The secret '$($secret.Name)' is no text, or empty; store the connection string itself." }
    }
}
$database

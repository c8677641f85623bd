@{
    RootModule           = 'HerokuMigrator.dll'
    RequiredAssemblies   = @('HerokuMigrator.Contracts.dll')
    ModuleVersion        = '0.1.0'
    GUID                 = '0a5f7b8e-52c3-4d7e-9d4b-6a1f0c7e2b93'
    Author               = 'HerokuMigrator contributors'
    CompanyName          = 'HerokuMigrator contributors'
    Copyright            = '(c) HerokuMigrator contributors. Apache-2.0.'
    Description          = 'Moves a live Heroku Postgres database to another Postgres with seconds of blocked writes and no lost row, over Bucardo.'
    PowerShellVersion    = '7.6'
    CompatiblePSEditions = @('Core')
    FormatsToProcess     = @('HerokuMigrator.Format.ps1xml')
    TypesToProcess       = @('HerokuMigrator.Types.ps1xml')
    FunctionsToExport    = @()
    AliasesToExport      = @()
    VariablesToExport    = @()
    DscResourcesToExport = @()
    CmdletsToExport      = @(
        'Test-MigrationReadiness'
        'Start-BucardoSync'
        'Get-SyncStatus'
        'Suspend-BucardoSync'
        'Resume-BucardoSync'
        'Test-MigrationData'
        'Invoke-TrafficSwitch'
        'Undo-TrafficSwitch'
        'Complete-Migration'
        'Stop-Migration'
        'Get-MigrationLog'
        'Export-MigrationReport'
    )
    PrivateData          = @{
        PSData = @{
            Tags                       = @('Postgres', 'PostgreSQL', 'Heroku', 'PlanetScale', 'Bucardo', 'Migration', 'Replication', 'Database', 'PSEdition_Core', 'Linux')
            # No ProjectUri: a gallery takes a module without one, and the project has no public address yet.
            LicenseUri                 = 'https://www.apache.org/licenses/LICENSE-2.0'
            RequireLicenseAcceptance   = $false
            Prerelease                 = 'preview1'
            ExternalModuleDependencies = @()
            ReleaseNotes               = 'The first preview: the whole way from the first check to the last trace removed. What is in it, and what is not: CHANGELOG.md in the module''s folder. Migrations run on Linux with Bucardo 5.6.0; import and help work wherever PowerShell 7.6 does.'
        }
    }
}

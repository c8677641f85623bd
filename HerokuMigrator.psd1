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
    )
    PrivateData          = @{
        PSData = @{
            Tags         = @('Postgres', 'PostgreSQL', 'Heroku', 'PlanetScale', 'Bucardo', 'Migration', 'Replication', 'PSEdition_Core', 'Linux')
            ReleaseNotes = 'See CHANGELOG.md.'
        }
    }
}

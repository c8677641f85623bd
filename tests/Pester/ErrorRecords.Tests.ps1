# Every error of every cmdlet has all that docs/errors.md promises of it.
BeforeDiscovery {
    $commands = (Import-PowerShellDataFile "$PSScriptRoot/../../HerokuMigrator.psd1").CmdletsToExport
    $before = @(
        @{ Id = 'ConnectionStringInvalid'; Category = 'InvalidArgument'; Call = { Get-SyncStatus -SourceUrl 'postgres://host:port/x' -TargetUrl $nowhere } }
        @{ Id = 'ConnectionServiceUnknown'; Category = 'ObjectNotFound'; Call = { Get-SyncStatus -SourceUrl 'service=nobody' -TargetUrl $nowhere } }
        @{ Id = 'ConnectionFileInvalid'; Category = 'InvalidData'; Call = { Get-SyncStatus -SourceUrl "$server&sslmode=verify-full&sslrootcert=/nowhere.pem" -TargetUrl "$server&sslmode=verify-full&sslrootcert=/nowhere.pem" } }
        @{ Id = 'ConnectionMissing'; Category = 'InvalidArgument'; Call = { Remove-Item Env:HEROKU_URL, Env:PLANETSCALE_URL -ErrorAction Ignore; Get-SyncStatus } }
        @{ Id = 'HostUnknown'; Category = 'ConnectionError'; Inner = $true; Call = { Test-MigrationReadiness -SourceUrl 'postgres://a:b@no-such-host.invalid/x' -TargetUrl $nowhere } }
        @{ Id = 'UnknownCheck'; Category = 'InvalidArgument'; Call = { Test-MigrationReadiness -Include NoSuchCheck -SourceUrl $nowhere -TargetUrl $server } }
        @{ Id = 'NoCheckLeft'; Category = 'InvalidArgument'; Call = { Test-MigrationReadiness -Exclude * -SourceUrl $nowhere -TargetUrl $server } }
        @{ Id = 'ReportFormatUnknown'; Category = 'InvalidArgument'; Call = { Test-MigrationReadiness -OutFile $TestDrive/report.doc -SourceUrl $nowhere -TargetUrl $server } }
        @{ Id = 'ReportFileUnusable'; Category = 'InvalidArgument'; Call = { Test-MigrationReadiness -OutFile $TestDrive/none/report.md -SourceUrl $nowhere -TargetUrl $server } }
        @{ Id = 'ReportFileExists'; Category = 'ResourceExists'; Call = { Set-Content $TestDrive/there.md ''; Test-MigrationReadiness -OutFile $TestDrive/there.md -NoClobber -SourceUrl $nowhere -TargetUrl $server } }
        @{ Id = 'StartOptionInvalid'; Category = 'InvalidArgument'; Call = { Start-BucardoSync -MaxRateMBps 0.05 -SourceUrl $nowhere -TargetUrl $server } }
        @{ Id = 'ComparisonOptionInvalid'; Category = 'InvalidArgument'; Call = { Test-MigrationData -Sample 0 -SourceUrl $nowhere -TargetUrl $server } }
    )
    $byServer = @(
        @{ Id = 'AuthenticationFailed'; Category = 'AuthenticationError'; SqlState = '28P01'; Inner = $true; Call = { Get-SyncStatus -SourceUrl $lab.SourceUrl -TargetUrl ($lab.TargetUrl -replace '(://[^:]+:)[^@]*@', '${1}wrong@') } }
        @{ Id = 'DatabaseUnknown'; Category = 'ObjectNotFound'; SqlState = '3D000'; Inner = $true; Call = { Get-SyncStatus -SourceUrl $lab.SourceUrl -TargetUrl ($lab.TargetUrl -replace '(@[^/]+/)[^?]*', '${1}nowhere') } }
        @{ Id = 'SameDatabase'; Category = 'InvalidArgument'; Refusal = $true; Call = { Start-BucardoSync -SourceUrl $lab.SourceUrl -TargetUrl $lab.SourceUrl -Confirm:$false } }
        @{ Id = 'WaitTimedOut'; Category = 'OperationTimeout'; Call = { Get-SyncStatus -Wait -TimeoutSec 1 } }
    ) + @(
        foreach ($call in { Invoke-TrafficSwitch -Force }, { Undo-TrafficSwitch -Force }, { Complete-Migration -Force }, { Suspend-BucardoSync }, { Resume-BucardoSync }, { Test-MigrationData }) {
            @{ Id = 'MigrationUnknown'; Category = 'ObjectNotFound'; Refusal = $true; Call = $call }
        }
    )
}

BeforeAll {
    . $PSScriptRoot/Shared.ps1
    . $PSScriptRoot/Lab.ps1
    Import-Module $ModuleManifest -Force
    # Nothing listens on port 1 of this machine.
    $nowhere = 'postgres://app:S3cr3t@127.0.0.1:1/app?sslmode=disable'
    $server = 'postgres://app:S3cr3t@127.0.0.1:1/other?connect_timeout=5'
    $documented = Get-Content -Raw "$PSScriptRoot/../../docs/errors.md"

    function Get-Failure([scriptblock] $Call) {
        try { $null = & $Call *>&1 } catch { return $_ }
        throw 'It did not fail.'
    }

    function Should-BeWhole([Management.Automation.ErrorRecord] $Failure, [string] $Id, [string] $Category) {
        $Failure.FullyQualifiedErrorId | Should -BeLike "$Id,HerokuMigrator.Commands.*Command"
        $Failure.CategoryInfo.Category | Should -Be $Category
        $Failure.TargetObject | Should -Not -BeNullOrEmpty
        $Failure.ErrorDetails.RecommendedAction | Should -Not -BeNullOrEmpty
        $Failure.Exception | Should -BeOfType HerokuMigrator.MigrationException
        $Failure.Exception.ErrorId | Should -Be $Id
        $Failure.Exception.RecommendedAction | Should -Be $Failure.ErrorDetails.RecommendedAction
        $documented | Should -Match "(?m)^\| ``$Id``.* \| .*$Category"
        Get-ErrorText $Failure | Should -Not -Match 'S3cr3t'
    }
}

Describe 'A server that is not there, told by <_>' -ForEach $commands {
    It 'is told whole, with its cause' {
        $arguments = @{ SourceUrl = $nowhere; TargetUrl = $server }
        if ((Get-Command $_).Parameters.ContainsKey('Force')) { $arguments.Force = $true }
        if ((Get-Command $_).Parameters.ContainsKey('Path')) { $arguments.Path = "$TestDrive/report.html" }
        $name = $_
        $failure = Get-Failure { & $name @arguments }
        Should-BeWhole $failure 'HostUnreachable' 'ConnectionError'
        $failure.Exception.InnerException | Should -Not -BeNullOrEmpty
    }
}

Describe 'The error <Id>' -ForEach $before {
    It 'is told whole: <Call>' {
        $failure = Get-Failure $Call
        Should-BeWhole $failure $Id $Category
        if ($Inner) { $failure.Exception.InnerException | Should -Not -BeNullOrEmpty }
    }
}

Describe 'Against servers' {
    BeforeAll {
        $lab = [Lab]::new($LabProgram, @('--tiny'))
        $lab.MakeDefault()
    }

    AfterAll { if ($lab) { $lab.Stop() } }

    Context 'the error <Id>' -ForEach $byServer {
        It 'is told whole: <Call>' {
            $failure = Get-Failure $Call
            Should-BeWhole $failure $Id $Category
            $failure.Exception.SqlState | Should -Be $SqlState
            $failure.Exception.IsRefusal | Should -Be ([bool] $Refusal)
            if ($Inner) { $failure.Exception.InnerException | Should -Not -BeNullOrEmpty }
            Should-HoldNoSecret (Get-ErrorText $failure)
        }
    }

    It 'a question that nobody can answer is told whole' {
        $result = Invoke-FreshPowerShell 'try { Stop-Migration } catch { $_.FullyQualifiedErrorId, $_.CategoryInfo.Category, $_.TargetObject, $_.ErrorDetails.RecommendedAction -join "|" }'
        $result.Output | Should -Match 'ConfirmationRequired,\S+\|InvalidOperation\|Stop-Migration\|Run it again with -Force'
    }

    It 'a report that blocks is refused with what blocks' {
        $check = [HerokuMigrator.ReadinessCheck] @{ Id = 'Bad'; Group = 'Schema'; Title = 'Bad'; Status = 'Blocked'; Finding = 'It is bad.'; Remedy = 'Mend it.' }
        $report = [HerokuMigrator.ReadinessReport] @{ Name = 'default'; CheckedAt = [DateTimeOffset]::Now; Checks = [HerokuMigrator.ReadinessCheck[]] @($check)
            Source = [HerokuMigrator.DatabaseAddress]::new('a', 1, 'b', 'c', $null); Target = [HerokuMigrator.DatabaseAddress]::new('a', 1, 'd', 'c', $null) }
        Should-BeWhole (Get-Failure { $report | Start-BucardoSync }) 'NotReady' 'InvalidOperation'
    }
}

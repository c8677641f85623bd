BeforeAll {
    . $PSScriptRoot/Shared.ps1
    Import-Module $ModuleManifest -Force
    $secret = 'S3cr3t-never-shown'
    # Nothing listens on port 1 of this machine.
    $nowhere = "postgres://app:$secret@127.0.0.1:1/app?sslmode=disable"

    function Get-Failure {
        param([scriptblock] $Script)
        try { & $Script *> $null } catch { return $_ }
        throw 'It did not fail.'
    }
}

Describe 'A malformed connection' {
    BeforeAll { $failure = Get-Failure { Test-MigrationReadiness -SourceUrl "postgres://app:$secret@host:port/app" -TargetUrl $nowhere } }

    It 'has a stable id' { $failure.FullyQualifiedErrorId | Should -BeLike 'ConnectionStringInvalid,*TestMigrationReadinessCommand' }
    It 'has a category' { $failure.CategoryInfo.Category | Should -Be 'InvalidArgument' }
    It 'says what to do' { $failure.ErrorDetails.RecommendedAction | Should -Match 'postgres://' }
    It 'keeps its exception' { $failure.Exception | Should -BeOfType HerokuMigrator.MigrationException }
    It 'shows no password' { Get-ErrorText $failure | Should -Not -Match $secret }
}

Describe 'A server that is not there' {
    BeforeAll { $failure = Get-Failure { Test-MigrationReadiness -SourceUrl $nowhere -TargetUrl $nowhere.Replace('/app?', '/other?') } }

    It 'has the id, the category and the inner exception of a connection error' {
        $failure.FullyQualifiedErrorId | Should -BeLike 'HostUnreachable,*'
        $failure.CategoryInfo.Category | Should -Be 'ConnectionError'
        $failure.Exception.InnerException | Should -Not -BeNullOrEmpty
    }

    It 'says what to do' { $failure.ErrorDetails.RecommendedAction | Should -Not -BeNullOrEmpty }
    It 'names the host' { $failure.Exception.Message | Should -Match '127\.0\.0\.1' }
    It 'shows no password' { Get-ErrorText $failure | Should -Not -Match $secret }
}

Describe 'A connection parameter' {
    It 'takes a SecureString' {
        $url = ConvertTo-SecureString $nowhere -AsPlainText -Force
        $failure = Get-Failure { Test-MigrationReadiness -SourceUrl $url -TargetUrl $url }
        $failure.FullyQualifiedErrorId | Should -Not -BeLike 'Unexpected*'
        Get-ErrorText $failure | Should -Not -Match $secret
    }

    It 'takes the address that an object of this module carries, by its property Source or Target' {
        $source = [HerokuMigrator.DatabaseAddress]::new('127.0.0.1', 1, 'app', 'app', $nowhere)
        $target = [HerokuMigrator.DatabaseAddress]::new('127.0.0.1', 1, 'other', 'app', $nowhere.Replace('/app?', '/other?'))
        $failure = Get-Failure { [pscustomobject]@{ Source = $source; Target = $target } | Test-MigrationReadiness }
        $failure.FullyQualifiedErrorId | Should -BeLike 'HostUnreachable,*'
    }

    It 'refuses what is no connection, without showing it' {
        $failure = Get-Failure { Test-MigrationReadiness -SourceUrl @{ password = $secret } }
        $failure.FullyQualifiedErrorId | Should -BeLike 'ParameterArgumentTransformationError,*'
        $failure.Exception.Message | Should -Not -Match $secret
    }

    It 'never shows its text' {
        "$([HerokuMigrator.Commands.ConnectionArgument]::From($nowhere))" | Should -Not -Match $secret
        [HerokuMigrator.Commands.ConnectionArgument]::From($nowhere) | Format-List * -Force | Out-String | Should -Not -Match $secret
        [HerokuMigrator.Commands.ConnectionArgument]::From($nowhere) | ConvertTo-Json | Should -Not -Match $secret
    }
}

Describe 'A name' {
    It 'is refused where it could not be a folder: <_>' -ForEach '', '..', 'a/b', '-x', ('x' * 41), "a`n" {
        $failure = Get-Failure { Get-SyncStatus -Name $_ }
        $failure.FullyQualifiedErrorId | Should -BeLike 'ParameterArgumentValidationError*'
    }
}

Describe 'Interrupting' {
    It 'stops a cmdlet within the time that cleaning up may take' {
        # A listener that accepts and never answers: the connection attempt hangs until it is cancelled.
        $listener = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
        $listener.Start()
        $shell = [powershell]::Create()
        try {
            $url = "postgres://app:x@127.0.0.1:$($listener.LocalEndpoint.Port)/app?sslmode=disable"
            $null = $shell.AddScript('param($module, $url) Import-Module $module; Test-MigrationReadiness -SourceUrl $url -TargetUrl ($url + "&connect_timeout=60")').AddArgument($ModuleManifest).AddArgument($url)
            $run = $shell.BeginInvoke()
            $accepted = $listener.AcceptTcpClientAsync()
            $accepted.Wait(20000) | Should -BeTrue
            $watch = [Diagnostics.Stopwatch]::StartNew()
            $shell.Stop()
            $watch.Elapsed.TotalSeconds | Should -BeLessThan 11
            $run.IsCompleted | Should -BeTrue
            $shell.InvocationStateInfo.State | Should -Be 'Stopped'
        }
        finally {
            $shell.Dispose()
            $listener.Stop()
        }
    }
}

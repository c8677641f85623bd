BeforeAll {
    . $PSScriptRoot/Shared.ps1
    # No server is there: whatever comes before the connection is answered first.
    $urls = '-SourceUrl "postgres://a:b@127.0.0.1:1/app?sslmode=disable" -TargetUrl "postgres://a:b@127.0.0.1:1/other?sslmode=disable"'

    function Get-ErrorId {
        param([string] $Command, [string[]] $Options = @('-NonInteractive'))
        $result = Invoke-FreshPowerShell "try { $Command } catch { `$_.FullyQualifiedErrorId; `$_.ErrorDetails.RecommendedAction }" -Options $Options
        $result.Output
    }
}

Describe '<_> where nobody can answer' -ForEach 'Invoke-TrafficSwitch', 'Undo-TrafficSwitch', 'Complete-Migration', 'Stop-Migration' {
    It 'fails at once with -NonInteractive, and names -Force' {
        $output = Get-ErrorId "$_ $urls"
        $output | Should -Match '^ConfirmationRequired,'
        $output | Should -Match '-Force'
    }

    It 'fails at once where standard input is no terminal' {
        Get-ErrorId "$_ $urls" -Options @() | Should -Match '^ConfirmationRequired,'
    }
}

Describe 'Not asking' {
    It '<Command> <Switch> goes on to the databases' -ForEach @(
        foreach ($command in 'Invoke-TrafficSwitch', 'Undo-TrafficSwitch', 'Complete-Migration', 'Stop-Migration') {
            foreach ($switch in '-Force', '-Confirm:$false') { @{ Command = $command; Switch = $switch } }
        }
    ) {
        Get-ErrorId "$Command $urls $Switch" | Should -Match '^HostUnreachable,'
    }

    It 'is the default of the cmdlets that can be undone' {
        Get-ErrorId "Suspend-BucardoSync $urls" | Should -Match '^HostUnreachable,'
    }

    It 'can be changed by -Confirm and by $ConfirmPreference' {
        Get-ErrorId "Suspend-BucardoSync $urls -Confirm" | Should -Match '^ConfirmationRequired,'
        Get-ErrorId "Stop-Migration $urls -Force -Confirm" | Should -Match '^ConfirmationRequired,'
        Get-ErrorId "`$ConfirmPreference = 'Low'; Suspend-BucardoSync $urls" | Should -Match '^ConfirmationRequired,'
        Get-ErrorId "`$ConfirmPreference = 'None'; Stop-Migration $urls" | Should -Match '^HostUnreachable,'
    }
}

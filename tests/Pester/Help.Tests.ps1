BeforeDiscovery {
    $manifest = Import-PowerShellDataFile "$PSScriptRoot/../../HerokuMigrator.psd1"
    $commands = $manifest.CmdletsToExport
}

BeforeAll {
    . $PSScriptRoot/Shared.ps1
    . $PSScriptRoot/HelpPage.ps1
    Import-Module $ModuleManifest -Force
    $common = [Management.Automation.PSCmdlet]::CommonParameters

    # What a parameter's block of YAML must say, by the cmdlet itself.
    function Get-ParameterFact([Management.Automation.ParameterMetadata] $Parameter) {
        $sets = foreach ($set in $Parameter.ParameterSets.GetEnumerator() | Sort-Object Key) {
            '{0}|{1}|{2}|{3}|{4}' -f ($set.Key -replace '^__AllParameterSets$', '(All)'),
                $(if ($set.Value.Position -lt 0) { 'Named' } else { $set.Value.Position }),
                $set.Value.IsMandatory, $set.Value.ValueFromPipeline, $set.Value.ValueFromPipelineByPropertyName
        }
        [pscustomobject]@{ Type = $Parameter.ParameterType.FullName; Aliases = @($Parameter.Aliases | Sort-Object); Sets = @($sets) }
    }

    function Get-WrittenFact([string] $Yaml) {
        $sets = [regex]::Matches($Yaml, '(?m)^- Name: (.*)\n  Position: (.*)\n  IsRequired: (.*)\n  ValueFromPipeline: (.*)\n  ValueFromPipelineByPropertyName: (.*)$') |
            ForEach-Object { '{0}|{1}|{2}|{3}|{4}' -f ($_.Groups[1..5].Value | ForEach-Object { (Get-Culture).TextInfo.ToTitleCase($_.Trim()) }) }
        $aliases = [regex]::Match($Yaml, '(?m)^Aliases:\n((?:- .*\n)+)').Groups[1].Value -split '\n' | Where-Object { $_ } | ForEach-Object { $_.Substring(2) }
        [pscustomobject]@{ Type = [regex]::Match($Yaml, '(?m)^Type: (.*)$').Groups[1].Value; Aliases = @($aliases | Sort-Object); Sets = @($sets | Sort-Object) }
    }

    function Get-HelpText($Paragraphs) { Get-Prose (@($Paragraphs.Text) -join ' ') }
}

Describe 'The help of <_>' -ForEach $commands {
    BeforeAll {
        $page = Read-HelpPage $_
        $help = Get-Help $_ -Full
        $command = Get-Command $_
        $parameters = $command.Parameters.Values | Where-Object Name -notin $common
    }

    It 'has nothing left to fill in' {
        $page.Text | Should -Not -Match '\{\{'
    }

    It 'says in a line what the cmdlet does, and more below' {
        $page.Synopsis.Length | Should -BeIn (10..120)
        $page.Description.Length | Should -BeGreaterThan $page.Synopsis.Length
    }

    It 'has every parameter that the cmdlet has, and no other' {
        $page.Parameters.Name | Sort-Object | Should -Be ($parameters.Name | Sort-Object)
    }

    It 'describes each parameter, and has its type, aliases, positions and pipeline input right' {
        foreach ($parameter in $parameters) {
            $written = $page.Parameters | Where-Object Name -eq $parameter.Name
            $written.Text | Should -Not -BeNullOrEmpty -Because "-$($parameter.Name) needs a description"
            $fact = Get-ParameterFact $parameter
            $writtenFact = Get-WrittenFact $written.Yaml
            $writtenFact.Type | Should -Be $fact.Type
            $writtenFact.Aliases | Should -Be $fact.Aliases -Because "of the aliases of -$($parameter.Name)"
            $writtenFact.Sets | Should -Be $fact.Sets -Because "of the sets of -$($parameter.Name)"
        }
    }

    It 'has three examples or more' {
        $page.Examples.Count | Should -BeGreaterOrEqual 3
        $page.Examples.Code | Should -Not -Contain $null
    }

    It 'names what comes in and out, and where to go from here' {
        $page.Inputs.Count | Should -BeGreaterThan 0
        $page.Outputs.Keys | Sort-Object | Should -Be ($command.OutputType.Name | Sort-Object)
        $page.Links.Count | Should -BeGreaterThan 0
        foreach ($link in $page.Links) { Join-Path $HelpFolder "$link.md" | Should -Exist }
    }

    It 'is shown by Get-Help as its page says' {
        Get-Prose $help.Synopsis | Should -Be $page.Synopsis
        Get-HelpText $help.description | Should -Be $page.Description
        foreach ($parameter in $page.Parameters) {
            Get-HelpText ($help.parameters.parameter | Where-Object name -eq $parameter.Name).description | Should -Be $parameter.Text
        }

        $examples = @($help.examples.example)
        $examples.title | ForEach-Object { $_.Trim('-', ' ') } | Should -Be $page.Examples.Title
        $examples.code | ForEach-Object { $_.ReplaceLineEndings("`n").Trim() } | Should -Be $page.Examples.Code
        $examples | ForEach-Object { Get-HelpText $_.remarks } | Should -Be $page.Examples.Text
        @($help.returnValues.returnValue.type.name) | Should -Be @($page.Outputs.Keys)
        @($help.relatedLinks.navigationLink.linkText) | Should -Be $page.Links
    }
}

Describe 'The help as a whole' {
    It 'has a page for each cmdlet, and no other' {
        (Get-Item "$HelpFolder/*-*.md").BaseName | Sort-Object | Should -Be ((Get-Command -Module HerokuMigrator).Name | Sort-Object)
    }

    It 'has an about topic that names every cmdlet' {
        $topic = Get-Content -Raw "$(Split-Path $ModuleManifest)/en-US/about_HerokuMigrator.help.txt"
        foreach ($command in (Get-Command -Module HerokuMigrator).Name) { $topic | Should -Match $command }
    }

    Context 'made anew from docs/help' {
        BeforeAll {
            $leftOut = & "$PSScriptRoot/../../build/Update-Help.ps1" -Destination $TestDrive/made
            function Get-Line([string] $Folder, [string] $File) { (Get-Content -Raw "$Folder/$File").ReplaceLineEndings("`n") }
        }

        It 'is what module/en-US has: <_>' -ForEach 'about_HerokuMigrator.help.txt', 'HerokuMigrator.dll-Help.xml' {
            if ($leftOut -and $_ -like '*.xml') {
                Set-ItResult -Skipped -Because $leftOut
                return
            }

            Get-Line "$PSScriptRoot/../../module/en-US" $_ | Should -BeExactly (Get-Line $TestDrive/made $_) -Because 'build/Update-Help.ps1 makes it so'
        }
    }
}

# Reads a cmdlet's page of docs/help, by its headings.
$HelpFolder = [IO.Path]::GetFullPath("$PSScriptRoot/../../docs/help")

# Text below each heading of a level, in order; keys are the headings.
function Get-Section([string] $Text, [int] $Level) {
    $sections = [ordered]@{}
    foreach ($part in [regex]::Split($Text, "(?m)^#{$Level} ") | Select-Object -Skip 1) {
        $heading, $rest = $part -split '\n', 2
        $sections[$heading.Trim()] = $rest.Trim()
    }
    $sections
}

# Prose as Get-Help shows it: no marks of code, no line breaks that mean nothing.
function Get-Prose([string] $Text) { ($Text.Replace('`', '') -replace '\s+', ' ').Trim() }

function Read-HelpPage([string] $Command) {
    $text = (Get-Content -Raw "$HelpFolder/$Command.md").ReplaceLineEndings("`n")
    $sections = Get-Section $text 2
    $parameters = Get-Section $sections['PARAMETERS'] 3
    $parameters.Remove('CommonParameters')
    [pscustomobject]@{
        Synopsis = Get-Prose $sections['SYNOPSIS']
        Description = Get-Prose $sections['DESCRIPTION']
        Parameters = @($parameters.GetEnumerator() | ForEach-Object {
            $null = $_.Value -match '(?s)^(?<prose>.*?)```yaml\n(?<yaml>.*?)\n```'
            [pscustomobject]@{ Name = $_.Key.TrimStart('-'); Text = Get-Prose $Matches.prose; Yaml = $Matches.yaml }
        })
        Examples = @((Get-Section $sections['EXAMPLES'] 3).GetEnumerator() | ForEach-Object {
            $null = $_.Value -match '(?s)^(?<before>.*?)```powershell\n(?<code>.*?)\n```(?<after>.*)$'
            [pscustomobject]@{ Title = $_.Key; Code = $Matches.code; Text = Get-Prose "$($Matches.before) $($Matches.after)" }
        })
        Inputs = Get-Section $sections['INPUTS'] 3
        Outputs = Get-Section $sections['OUTPUTS'] 3
        Links = @([regex]::Matches($sections['RELATED LINKS'], '\[([^\]]+)\]\(([^)]+)\)') | ForEach-Object { $_.Groups[1].Value })
        Text = $text
    }
}

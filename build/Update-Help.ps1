<#
.SYNOPSIS
    Makes the help that Get-Help reads (module/en-US) from docs/help.
.DESCRIPTION
    The cmdlets' pages go through the module Microsoft.PowerShell.PlatyPS, 1.0 or later, from wherever PSModulePath has it. Without it they are
    left as they are, and said to be. The about topic needs nothing. A test fails where docs/help and module/en-US tell different things.
#>
[CmdletBinding()]
param(
    [string] $Destination = "$PSScriptRoot/../module/en-US"
)
$ErrorActionPreference = 'Stop'
$pages = Get-Item "$PSScriptRoot/../docs/help/*-*.md"
$helpFile = 'HerokuMigrator.dll-Help.xml'

# A page's paragraphs are kept as they are there; Get-Help knows no Markdown, so marks of code go.
function ConvertTo-PlainText([string] $Text) { $Text.Replace('`', '') }

# PlatyPS hands an example on as text with its code among it; Get-Help shows code where MAML has a place for it.
function Split-Example([xml] $Maml, [Xml.XmlElement] $Example) {
    $text = @($Example.introduction.para | Where-Object { $_ -and $_ -ne [string][char]0x80 }) -join "`n`n"
    if ($text.ReplaceLineEndings("`n") -notmatch '(?s)^(?<before>.*?)```powershell\n(?<code>.*?)\n```(?<after>.*)$') {
        throw "$($Example.title) has no code."
    }
    $prose = "$($Matches.before)`n`n$($Matches.after)" -split '\n{2,}' | Where-Object { $_.Trim() }
    $Example['maml:introduction'].RemoveAll()
    $Example['dev:code'].InnerText = $Matches.code
    $remarks = $Example['dev:remarks']
    $remarks.RemoveAll()
    foreach ($paragraph in $prose) {
        $remarks.AppendChild($Maml.CreateElement('maml', 'para', $Example['maml:introduction'].NamespaceURI)).InnerText = $paragraph.Trim()
    }
    $Example['maml:title'].InnerText = $Example['maml:title'].InnerText.Trim('-', ' ')
}

function Write-CommandHelp {
    $folder = Join-Path ([IO.Path]::GetTempPath()) ([guid]::NewGuid())
    try {
        $file = Import-MarkdownCommandHelp -Path $pages.FullName | Export-MamlCommandHelp -OutputFolder $folder
        $maml = [xml]::new()
        $maml.PreserveWhitespace = $false
        $maml.Load($file.FullName)
        $names = [Xml.XmlNamespaceManager]::new($maml.NameTable)
        $names.AddNamespace('command', 'http://schemas.microsoft.com/maml/dev/command/2004/10')
        $names.AddNamespace('maml', 'http://schemas.microsoft.com/maml/2004/10')
        foreach ($example in $maml.SelectNodes('//command:example', $names)) { Split-Example $maml $example }
        foreach ($paragraph in $maml.SelectNodes('//maml:para', $names)) { $paragraph.InnerText = ConvertTo-PlainText $paragraph.InnerText }
        # The pages are not online; a link from one to another is to a cmdlet here.
        foreach ($link in $maml.SelectNodes('//maml:navigationLink[maml:linkText="Online Version" and maml:uri=""]', $names)) { $null = $link.ParentNode.RemoveChild($link) }
        foreach ($uri in $maml.SelectNodes('//maml:uri', $names)) { if ($uri.InnerText -like '*.md') { $uri.InnerText = '' } }
        $writer = [Xml.XmlWriter]::Create("$Destination/$helpFile", [Xml.XmlWriterSettings] @{ Indent = $true; NewLineChars = "`n"; Encoding = [Text.UTF8Encoding]::new($false) })
        try { $maml.Save($writer) } finally { $writer.Dispose() }
        Add-Content "$Destination/$helpFile" ''
    }
    finally {
        Remove-Item -Recurse -Force $folder -ErrorAction Ignore
    }
}

# Headings in capitals, text indented: what an about topic looks like in Get-Help.
function Write-AboutTopic {
    $lines = foreach ($line in Get-Content "$PSScriptRoot/../docs/help/about_HerokuMigrator.md") {
        switch -Regex ($line) {
            '^# (?<title>.*)' { 'TOPIC'; "    $($Matches.title)"; break }
            '^## (?<title>.*)' { $Matches.title.ToUpperInvariant(); break }
            '^```' { break }
            '^$' { ''; break }
            default { '    ' + (ConvertTo-PlainText ($line -replace '\[([^\]]+)\]\([^)]+\)', '$1')) }
        }
    }
    Set-Content "$Destination/about_HerokuMigrator.help.txt" $lines
}

$null = New-Item -ItemType Directory -Force $Destination
Write-AboutTopic
if (-not (Get-Module -ListAvailable Microsoft.PowerShell.PlatyPS | Where-Object Version -ge '1.0')) {
    "The cmdlets' help was left as it is: no PlatyPS 1.0 or later on PSModulePath."
    return
}
Import-Module Microsoft.PowerShell.PlatyPS
Write-CommandHelp

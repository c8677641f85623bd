# For Invoke-ScriptAnalyzer and editors; what the tests may do besides stands in tests/PSScriptAnalyzerSettings.psd1.
@{
    ExcludeRules = @(
        # PowerShell 7 reads UTF-8 without a byte order mark, and a script with one cannot begin with #!.
        'PSUseBOMForUnicodeEncodedFile'
    )
}

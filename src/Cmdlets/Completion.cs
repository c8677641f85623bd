using System.Management.Automation;
using System.Management.Automation.Language;

namespace HerokuMigrator.Commands;

/// <summary>What completers share: what fits what was typed, and how it is put into the line.</summary>
internal static class Completion
{
    /// <summary>Typed text is the beginning, in any case, and may hold wildcards.</summary>
    public static bool Fits(string typed, string value)
    {
        var text = typed.Trim('\'', '"');
        return value.StartsWith(text, StringComparison.OrdinalIgnoreCase) || new WildcardPattern(text + "*", WildcardOptions.IgnoreCase).IsMatch(value);
    }

    /// <summary>In quotes where PowerShell would read something else.</summary>
    public static CompletionResult Of(string value, string tip) =>
        new(value.All(sign => char.IsAsciiLetterOrDigit(sign) || sign is '_' or '.' or '-') && !value.StartsWith('-') ? value : $"'{CodeGeneration.EscapeSingleQuotedStringContent(value)}'", value, CompletionResultType.ParameterValue, tip);
}

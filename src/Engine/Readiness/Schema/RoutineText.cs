using System.Text.RegularExpressions;

namespace HerokuMigrator.Readiness;

/// <summary>What a function's body names, as far as a look at the words tells: literals, comments and SQL that is put together at run time are not read.</summary>
internal static partial class RoutineText
{
    /// <param name="Schema">Null where the name stands without one.</param>
    public sealed record Name(string? Schema, string Text);

    public sealed record Names(IReadOnlyList<Name> Calls, IReadOnlyList<Name> Relations, IReadOnlyList<Name> Types);

    public static Names Read(string body)
    {
        var code = NoCodePattern().Replace(body, " ");
        return new Names(
            [.. CallPattern().Matches(code).Select(Of)],
            [.. RelationPattern().Matches(code).Where(match => !match.Groups["call"].Success).Select(Of)],
            [.. TypePattern().Matches(code).Select(Of)]);
    }

    private static Name Of(Match match) =>
        new(match.Groups["schema"] is { Success: true } schema ? Plain(schema.Value) : null, Plain(match.Groups["name"].Value));

    private static string Plain(string identifier) => identifier[0] == '"' ? identifier[1..^1].Replace("\"\"", "\"", StringComparison.Ordinal) : identifier.ToLowerInvariant();

    [GeneratedRegex(@"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\$(?<tag>\w*)\$.*?\$\k<tag>\$", RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex NoCodePattern();

    [GeneratedRegex("""(?<![\w."$])(?:(?<schema>"(?:[^"]|"")+"|[a-zA-Z_][\w$]*)\s*\.\s*)?(?<name>"(?:[^"]|"")+"|[a-zA-Z_][\w$]*)\s*\(""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex CallPattern();

    [GeneratedRegex("""\b(?:from|join|into|update|table)\s+(?:only\s+)?(?:(?<schema>"(?:[^"]|"")+"|[a-zA-Z_][\w$]*)\s*\.\s*)?(?<name>"(?:[^"]|"")+"|[a-zA-Z_][\w$]*)(?<call>\s*\()?""", RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase, 1000)]
    private static partial Regex RelationPattern();

    [GeneratedRegex("""::\s*(?:(?<schema>"(?:[^"]|"")+"|[a-zA-Z_][\w$]*)\s*\.\s*)?(?<name>"(?:[^"]|"")+"|[a-zA-Z_][\w$]*)""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex TypePattern();
}

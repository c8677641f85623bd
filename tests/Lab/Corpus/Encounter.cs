using System.Text.RegularExpressions;

namespace HerokuMigrator.Lab;

/// <summary>Something that a migration met and that its readiness report should have told.</summary>
/// <param name="What">Warning, error, difference, leftover.</param>
/// <param name="Object">What it is about, without quotes: <c>schema.name</c>, or an extension's name; empty where it names nothing.</param>
public sealed partial record Encounter(string What, string Object, string Text)
{
    /// <summary>
    /// True where a warning of the report, or a finding that blocks, names that very object. A note tells of nothing that goes wrong:
    /// it counts only for an extension that is not needed.
    /// </summary>
    public bool IsForetoldBy(ReadinessReport report) =>
        Object.Length > 0
        && report.Checks.Where(check => check.Status is CheckStatus.Warning or CheckStatus.Blocked || check is { Status: CheckStatus.Note, Id: "Extensions" })
            .Any(check => check.Objects.Any(named => Plain(named) == Object));

    public static Encounter OfWarning(string text) => new("warning", ObjectOf(text), text);

    public static Encounter OfError(MigrationException exception) =>
        new("error", Plain(exception.Subject ?? ObjectOf(exception.Message)), $"{exception.ErrorId}: {exception.Message}");

    /// <param name="line">A line of <see cref="ContentComparison.Differences"/>: kind, name, what differs.</param>
    public static Encounter OfDifference(string line)
    {
        var match = DifferencePattern().Match(line);
        return new Encounter("difference", match.Success ? Plain(match.Groups["name"].Value) : "", line);
    }

    public override string ToString() => $"{What}: {Text}";

    private static string ObjectOf(string text) => EntryPattern().Match(text) is { Success: true } entry
        ? entry.Groups["name"].Value
        : Plain(QuotedPattern().Match(text).Value);

    private static string Plain(string name) => name.Replace("\"", "", StringComparison.Ordinal);

    [GeneratedRegex("\"[^\"]+\"(\\.\"[^\"]+\")*", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex QuotedPattern();

    [GeneratedRegex("^The target has no [A-Z ]+ (?<name>[^:]+?): ", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex EntryPattern();

    [GeneratedRegex("^(?<kind>table|sequence|schema|relation|column|index|constraint|trigger|foreign key trigger|rule|function|type|policy|statistics|extension) (?<name>.+?): (source|only on the) ", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex DifferencePattern();
}

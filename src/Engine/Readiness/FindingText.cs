using System.Globalization;

namespace HerokuMigrator.Readiness;

/// <summary>Words that the checks share, so that the same thing is said in the same way.</summary>
internal static class FindingText
{
    private const int NamedInText = 5;
    private const int StatementsInRemedy = 50;

    private static readonly string[] Units = ["bytes", "kB", "MB", "GB", "TB"];

    /// <summary>"1 table", "3 tables".</summary>
    public static string Count(int number, string singular, string? plural = null) =>
        string.Create(CultureInfo.InvariantCulture, $"{number} {(number == 1 ? singular : plural ?? singular + "s")}");

    /// <summary>The first few, and how many more there are: the whole list is in the finding's objects.</summary>
    public static string Several(IReadOnlyList<string> items) =>
        string.Join("; ", items.Take(NamedInText)) + (items.Count > NamedInText ? $"; and {items.Count - NamedInText} more" : "");

    /// <summary>One statement a line, to be pasted.</summary>
    public static string Statements(IEnumerable<string> statements)
    {
        var all = statements.Distinct(StringComparer.Ordinal).ToList();
        var shown = string.Join('\n', all.Take(StatementsInRemedy).Select(statement => statement + ";"));
        return all.Count > StatementsInRemedy ? $"{shown}\n-- and {all.Count - StatementsInRemedy} more of the same kind" : shown;
    }

    public static string Bytes(long bytes)
    {
        var (value, unit) = ((double)bytes, 0);
        while (value >= 1024 && unit < Units.Length - 1)
        {
            (value, unit) = (value / 1024, unit + 1);
        }

        return string.Create(CultureInfo.InvariantCulture, $"{Math.Round(value, unit == 0 || value >= 100 ? 0 : 1)} {Units[unit]}");
    }

    public static Finding Note(string text, string reason, IReadOnlyList<string> objects) =>
        Finding.Note(text) with { Reason = reason, Objects = objects };

    /// <summary>What the engine refuses later with an error of its own is told here in the same words.</summary>
    public static Finding Blocked(MigrationException error, string reason) =>
        Finding.Blocked(error.Message, reason, error.RecommendedAction, error.Subject is null ? [] : [error.Subject]);
}

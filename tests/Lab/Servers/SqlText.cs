namespace HerokuMigrator.Lab;

internal static class SqlText
{
    public static string QuoteIdentifier(string name) => '"' + name.Replace("\"", "\"\"", StringComparison.Ordinal) + '"';

    /// <summary>A literal that reads the same whatever standard_conforming_strings says.</summary>
    public static string QuoteLiteral(string text) =>
        " E'" + text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal) + "'";
}

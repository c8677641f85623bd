using System.Text;

namespace HerokuMigrator.Catalog;

/// <summary>Identifiers and literals as SQL wants them, whatever characters they hold.</summary>
public static class SqlName
{
    public static string Quote(string identifier) => "\"" + identifier.Replace("\"", "\"\"", StringComparison.Ordinal) + "\"";

    public static string Qualify(string schema, string name) => Quote(schema) + "." + Quote(name);

    /// <summary>A string literal that means the same whatever standard_conforming_strings says.</summary>
    public static string Literal(string value)
    {
        var doubled = value.Replace("'", "''", StringComparison.Ordinal);
        return value.Contains('\\', StringComparison.Ordinal)
            ? "E'" + doubled.Replace("\\", "\\\\", StringComparison.Ordinal) + "'"
            : "'" + doubled + "'";
    }

    public static string List(IEnumerable<string> identifiers) => string.Join(", ", identifiers.Select(Quote));

    /// <summary>The number of code points, which is what SQL's character functions count.</summary>
    internal static int CodePoints(string text) => text.EnumerateRunes().Count();

    internal static string TakeCodePoints(string text, int count)
    {
        var taken = new StringBuilder();
        foreach (var rune in text.EnumerateRunes().Take(count))
        {
            taken.Append(rune);
        }

        return taken.ToString();
    }
}

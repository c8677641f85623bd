using System.Text.RegularExpressions;
using HerokuMigrator.Catalog;

namespace HerokuMigrator.Schema;

/// <summary>Which tables a statement of pg_dump's belongs to, by its text.</summary>
internal static partial class LockedTables
{
    private const string Identifier = """(?:"(?:[^"]|"")+"|[^\s".(]+)""";

    /// <summary>The table that a constraint or an index is made on, quoted as <see cref="SqlName"/> does; null for other statements.</summary>
    public static string? Of(string sql)
    {
        var match = sql.StartsWith("ALTER TABLE ", StringComparison.Ordinal) ? Constraint().Match(sql) : Index().Match(sql);
        return match.Success ? Name(match, "schema", "table") : null;
    }

    /// <summary>The two tables that a foreign key locks, or the one where it refers to itself.</summary>
    public static IReadOnlyList<string> OfForeignKey(string sql) =>
        ForeignKey().Match(sql) is { Success: true } match
            ? [.. new[] { Name(match, "schema", "table"), Name(match, "schema2", "table2") }.Distinct(StringComparer.Ordinal)]
            : [];

    private static string Name(Match match, string schema, string table) => SqlName.Qualify(Plain(match.Groups[schema].Value), Plain(match.Groups[table].Value));

    private static string Plain(string identifier) =>
        identifier.StartsWith('"') ? identifier[1..^1].Replace("\"\"", "\"", StringComparison.Ordinal) : identifier;

    [GeneratedRegex($@"^ALTER TABLE (?:ONLY )?(?<schema>{Identifier})\.(?<table>{Identifier})\s+ADD CONSTRAINT ", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Constraint();

    [GeneratedRegex($@"^CREATE (?:UNIQUE )?INDEX {Identifier} ON (?:ONLY )?(?<schema>{Identifier})\.(?<table>{Identifier}) USING ", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Index();

    [GeneratedRegex(
        $@"^ALTER TABLE (?:ONLY )?(?<schema>{Identifier})\.(?<table>{Identifier})\s+ADD CONSTRAINT {Identifier} FOREIGN KEY \((?:""(?:[^""]|"""")+""|[^"")])+\) REFERENCES (?<schema2>{Identifier})\.(?<table2>{Identifier})\(",
        RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ForeignKey();
}

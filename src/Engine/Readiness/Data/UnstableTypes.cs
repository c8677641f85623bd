using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class UnstableTypes : IReadinessCheck
{
    private const string Names = "2202, 2203, 2204, 2205, 24, 4191, 4096, 4089, 3734, 3769, 1033";

    private const string Unreadable = "194, 3361, 3402, 5017, 3642, 4600, 4601";

    private const string Counters = "28, 29, 27, 5069, 5038, 2970, 3220";

    private const string Others = "26, 790";

    /// <summary>Columns of such a type, or of a domain, array, range or composite over one; and columns whose default is a transaction's number.</summary>
    private const string Sql = $"""
        WITH RECURSIVE edge AS (
            SELECT t.typbasetype AS inner_type, t.oid AS outer_type FROM pg_type t WHERE t.typtype = 'd'
            UNION ALL SELECT t.typelem, t.oid FROM pg_type t WHERE t.typcategory = 'A' AND t.typelem <> 0
            UNION ALL SELECT r.rngsubtype, r.rngtypid FROM pg_range r
            UNION ALL SELECT a.atttypid, t.oid FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'
                      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
        unstable AS (
            SELECT t.oid AS type, t.oid AS base FROM pg_type t WHERE t.oid IN ({Names}, {Unreadable}, {Counters}, {Others})
            UNION SELECT e.outer_type, u.base FROM unstable u JOIN edge e ON e.inner_type = u.type)
        SELECT n.nspname, c.relname, a.attname, min(format_type(u.base, NULL)),
               CASE WHEN bool_or(u.base IN ({Unreadable})) THEN 0 WHEN bool_or(u.base IN ({Names})) THEN 1 WHEN bool_or(u.base IN ({Counters})) THEN 2 ELSE 3 END
        FROM unstable u JOIN pg_attribute a ON a.atttypid = u.type AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
        JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r' JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {UserObjects.RelationFilter} GROUP BY 1, 2, 3
        UNION ALL
        SELECT n.nspname, c.relname, a.attname, 'a transaction''s number by default', 2
        FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum AND a.attgenerated = '' AND a.atttypid NOT IN ({Counters})
        JOIN pg_class c ON c.oid = d.adrelid AND c.relkind = 'r' JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE d.adbin::text ~ ':funcid (2943|5059|2849|2852) ' AND {UserObjects.RelationFilter}
        ORDER BY 5, 1, 2, 3
        """;

    private static readonly string[] Reasons =
    [
        "A value of such a type cannot be read back from its text: the copy fails at the first one that is not null.",
        "These are kept as numbers and travel as names: what is named must be on the target when the rows are copied, or the copy fails. Tables, functions and types are; indexes, roles and what is made after the rows are not.",
        "These are counters of the source's server: the rows arrive as they are, but the target counts from elsewhere, and an application that compares them with new ones, as an outbox does, goes wrong.",
        "oid: numbers of objects of the source, which mean others or none on the target. money: the amount arrives as it is, and is shown by the reader's lc_monetary.",
    ];

    private sealed record Column(string Table, string Name, string Type, int Kind)
    {
        public override string ToString() => $"{Table}.{Name} ({Type})";
    }

    public string Id => nameof(UnstableTypes);

    public string Group => CheckGroup.Data;

    public string Title => "Every column's values mean the same on the target";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var columns = await source.ListAsync(
            Sql, row => new Column(SqlName.Qualify(row.GetString(0), row.GetString(1)), SqlName.Quote(row.GetString(2)), row.GetString(3), row.GetInt32(4)), cancellationToken);
        if (columns.Count == 0)
        {
            return Finding.Pass("No column is of a type whose values mean something on the source's server only.");
        }

        var text = $"{FindingText.Count(columns.Count, "column holds", "columns hold")} what means something on this server only: {FindingText.Several(columns.ConvertAll(column => column.ToString()))}.";
        var reason = string.Join(' ', columns.Select(column => column.Kind).Distinct().Order().Select(kind => Reasons[kind]));
        List<string> objects = columns.ConvertAll(column => $"{column.Table}.{column.Name}");
        var remedy = string.Join('\n', new[]
        {
            Part("-- on the source: what cannot be read back", 0, column => $"ALTER TABLE {column.Table} ALTER COLUMN {column.Name} TYPE text"),
            Part("-- on the source: all of these must be on the target under the same name", 1, column => $"SELECT DISTINCT {column.Name}::text FROM {column.Table}"),
            Part("-- on the source: where the application compares these, let it begin anew after the switch", 2, column => $"SELECT max({column.Name}::text) FROM {column.Table}"),
        }.Where(part => part.Length > 0));
        return remedy.Length == 0 ? FindingText.Note(text, reason, objects) : Finding.Warning(text, reason, remedy, objects);

        string Part(string comment, int kind, Func<Column, string> statement) =>
            columns.Any(column => column.Kind == kind) ? comment + "\n" + FindingText.Statements(columns.Where(column => column.Kind == kind).Select(statement)) : "";
    }
}

using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class TableStorage : IReadinessCheck
{
    /// <summary>Tables, indexes and materialized views that do not lie where, or as, all others do.</summary>
    private const string Sql = $"""
        SELECT n.nspname, c.relname, CASE WHEN c.relkind <> 'i' AND a.amname <> 'heap' THEN a.amname END, s.spcname
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_am a ON a.oid = c.relam LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
        WHERE c.relkind IN ('r', 'p', 'm', 'i', 'I') AND (s.oid IS NOT NULL OR c.relkind IN ('r', 'p', 'm') AND a.amname <> 'heap') AND {UserObjects.RelationFilter}
        ORDER BY 1, 2
        """;

    public string Id => nameof(TableStorage);

    public string Group => CheckGroup.Schema;

    public string Title => "Tablespaces and table access methods";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var found = await source.ListAsync(
            Sql,
            row => (Name: SqlName.Qualify(row.GetString(0), row.GetString(1)), Method: row.IsDBNull(2) ? null : "access method " + row.GetString(2), Space: row.IsDBNull(3) ? null : "tablespace " + row.GetString(3)),
            cancellationToken);
        return found.Count == 0
            ? Finding.Pass("All tables are heaps in the database's own tablespace.")
            : FindingText.Note(
                $"{FindingText.Count(found.Count, "table or index is", "tables and indexes are")} stored in another way: {FindingText.Several(found.ConvertAll(one => $"{one.Name} ({one.Method ?? one.Space})"))}.",
                "Neither is carried over: on the target they are ordinary tables (heap) and indexes in the default tablespace. With a compressing access method a table may need much more room there.",
                found.ConvertAll(one => one.Name));
    }
}

using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class NotValidConstraints : IReadinessCheck
{
    /// <summary>As JSON where columns came later: PostgreSQL 18 has constraints that are not enforced, and NOT NULL as one of them.</summary>
    private const string Sql = $"""
        SELECT n.nspname, c.relname, k.conname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE NOT k.convalidated AND k.contype IN ('f', 'c', 'n') AND k.conparentid = 0 AND coalesce(to_jsonb(k)->>'conenforced', 'true') = 'true'
          AND {UserObjects.RelationFilter} ORDER BY 1, 2, 3
        """;

    public string Id => nameof(NotValidConstraints);

    public string Group => CheckGroup.Schema;

    public string Title => "Constraints that were never validated";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var found = await source.ListAsync(Sql, row => (Table: SqlName.Qualify(row.GetString(0), row.GetString(1)), Name: SqlName.Quote(row.GetString(2))), cancellationToken);
        return found.Count == 0
            ? Finding.Pass("Every constraint is valid.")
            : FindingText.Note(
                $"{FindingText.Count(found.Count, "constraint is", "constraints are")} NOT VALID: {FindingText.Several(found.ConvertAll(one => $"{one.Name} of {one.Table}"))}.",
                "Rows that break them may be there; nobody knows. They are made NOT VALID on the target too, and no row is refused for them.",
                found.ConvertAll(one => $"{one.Table}.{one.Name}")) with
            {
                Remedy = FindingText.Statements(found.Select(one => $"ALTER TABLE {one.Table} VALIDATE CONSTRAINT {one.Name}")) + "\n-- finds out; it reads the table, and hinders no writer",
            };
    }
}

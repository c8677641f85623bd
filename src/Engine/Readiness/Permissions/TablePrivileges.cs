using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class TablePrivileges : IReadinessCheck
{
    /// <summary>Those of other owners are told by TablesOwned: its remedy brings these privileges too.</summary>
    private const string Sql = $"""
        SELECT n.nspname, c.relname, has_schema_privilege(n.oid, 'USAGE'),
               ARRAY(SELECT p FROM unnest(CASE WHEN c.relkind = 'S' THEN ARRAY['SELECT'] ELSE ARRAY['SELECT', 'TRIGGER'] END) p
                     WHERE NOT CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(c.oid, p) ELSE has_table_privilege(c.oid, p) END)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'S') AND pg_has_role(c.relowner, 'USAGE') AND {UserObjects.RelationFilter}
        ORDER BY 1, 2
        """;

    public string Id => nameof(TablePrivileges);

    public string Group => CheckGroup.Permissions;

    public string Title => "The role may read all tables of the source and put triggers on them";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var role = await CatalogQuestions.RoleAsync(source, cancellationToken);
        var lacking = (await source.ListAsync(
                Sql,
                row => (Schema: SqlName.Quote(row.GetString(0)), Name: SqlName.Qualify(row.GetString(0), row.GetString(1)), SchemaUsable: row.GetBoolean(2), Missing: row.GetFieldValue<string[]>(3)),
                cancellationToken))
            .Where(relation => !relation.SchemaUsable || relation.Missing.Length > 0).ToList();
        if (lacking.Count == 0)
        {
            return Finding.Pass("The role may read all tables and sequences of the source, and put triggers on the tables.");
        }

        var statements = lacking.Where(relation => !relation.SchemaUsable).Select(relation => $"GRANT USAGE ON SCHEMA {relation.Schema} TO {role}")
            .Concat(lacking.Where(relation => relation.Missing.Length > 0).Select(relation => $"GRANT {string.Join(", ", relation.Missing)} ON {relation.Name} TO {role}"));
        return Finding.Blocked(
            $"The role lacks privileges on {FindingText.Count(lacking.Count, "table or sequence", "tables and sequences")} of the source: "
            + FindingText.Several([.. lacking.Select(relation => relation.Name)]) + ".",
            "What cannot be read cannot be copied, and changes are captured by triggers.",
            "-- on the source, as the owner of the schemas and tables:\n" + FindingText.Statements(statements),
            [.. lacking.Select(relation => relation.Name)]);
    }
}

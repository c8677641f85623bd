using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class TablesOwned : IReadinessCheck
{
    private const string Sql = $"""
        SELECT n.nspname, c.relname, c.relkind::text, o.rolname, o.rolsuper
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles o ON o.oid = c.relowner
        WHERE c.relkind IN ('r', 'p', 'S') AND NOT pg_has_role(c.relowner, 'USAGE') AND {UserObjects.RelationFilter}
        ORDER BY 1, 2
        """;

    public string Id => nameof(TablesOwned);

    public string Group => CheckGroup.Permissions;

    public string Title => "The role owns all tables and sequences of the source";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var role = await CatalogQuestions.RoleAsync(source, cancellationToken);
        var foreign = await source.ListAsync(
            Sql,
            row => (Name: SqlName.Qualify(row.GetString(0), row.GetString(1)), IsSequence: row.GetString(2) == "S", Owner: SqlName.Quote(row.GetString(3)), OwnerIsSuperuser: row.GetBoolean(4)),
            cancellationToken);
        if (foreign.Count == 0)
        {
            return Finding.Pass("The role owns all tables and sequences of the source.");
        }

        // Membership in an owner is enough and leaves the application alone; nobody but a superuser can give that of a superuser.
        var statements = foreign.Select(relation => relation.OwnerIsSuperuser
            ? $"ALTER {(relation.IsSequence ? "SEQUENCE" : "TABLE")} {relation.Name} OWNER TO {role}"
            : $"GRANT {relation.Owner} TO {role}");
        return Finding.Blocked(
            $"{FindingText.Count(foreign.Count, "table or sequence", "tables and sequences")} of the source belong{(foreign.Count == 1 ? "s" : "")} to other roles: "
            + FindingText.Several([.. foreign.Select(relation => $"{relation.Name} (owner {relation.Owner})")]) + ".",
            "Only an owner can put triggers on a table, and hold back its writers during the switch.",
            FindingText.Statements(statements),
            [.. foreign.Select(relation => relation.Name)]);
    }
}

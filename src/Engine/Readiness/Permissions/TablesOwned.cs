using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class TablesOwned : IReadinessCheck
{
    private const string Sql = $"""
        SELECT n.nspname, c.relname, c.relkind::text, o.rolname, o.rolsuper, pg_has_role(c.relowner, 'MEMBER')
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles o ON o.oid = c.relowner
        WHERE c.relkind IN ('r', 'p', 'S') AND NOT pg_has_role(c.relowner, 'USAGE') AND {UserObjects.RelationFilter}
        ORDER BY 1, 2
        """;

    public string Id => nameof(TablesOwned);

    public string Group => CheckGroup.Permissions;

    public string Title => "The role owns all tables and sequences of the source";

    private sealed record Foreign(string Name, bool IsSequence, string Owner, bool OwnerIsSuperuser, bool IsMember)
    {
        public override string ToString() => $"{Name} (owner {Owner}{(IsMember ? ", whose rights the role does not inherit" : "")})";
    }

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var role = await CatalogQuestions.RoleAsync(source, cancellationToken);
        var foreign = await source.ListAsync(
            Sql,
            row => new Foreign(SqlName.Qualify(row.GetString(0), row.GetString(1)), row.GetString(2) == "S", SqlName.Quote(row.GetString(3)), row.GetBoolean(4), row.GetBoolean(5)),
            cancellationToken);
        if (foreign.Count == 0)
        {
            return Finding.Pass("The role owns all tables and sequences of the source.");
        }

        var grantsInherit = await ServerVersions.MajorAsync(source, cancellationToken) >= 16;
        var inherits = await source.ScalarAsync<bool>("SELECT rolinherit FROM pg_roles WHERE rolname = current_user", cancellationToken);
        return Finding.Blocked(
            $"{FindingText.Count(foreign.Count, "table or sequence", "tables and sequences")} of the source belong{(foreign.Count == 1 ? "s" : "")} to other roles: "
            + FindingText.Several([.. foreign.Select(relation => relation.ToString())]) + ".",
            "Only an owner can put triggers on a table, and hold back its writers during the switch.",
            "-- on the source, as a superuser or a role that may grant these:\n" + FindingText.Statements(foreign.SelectMany(relation => Remedies(relation, role, inherits, grantsInherit))),
            [.. foreign.Select(relation => relation.Name)]);
    }

    /// <summary>Membership in an owner is enough and leaves the application alone; nobody but a superuser can give that of a superuser.</summary>
    private static IEnumerable<string> Remedies(Foreign relation, string role, bool inherits, bool grantsInherit)
    {
        if (relation.OwnerIsSuperuser)
        {
            yield return $"ALTER {(relation.IsSequence ? "SEQUENCE" : "TABLE")} {relation.Name} OWNER TO {role}";
            yield break;
        }

        if (grantsInherit)
        {
            yield return $"GRANT {relation.Owner} TO {role} WITH INHERIT TRUE";
            yield break;
        }

        // Before PostgreSQL 16 a role inherits from all that it is a member of, or from none.
        if (!relation.IsMember)
        {
            yield return $"GRANT {relation.Owner} TO {role}";
        }

        if (!inherits)
        {
            yield return $"ALTER ROLE {role} INHERIT";
        }
    }
}

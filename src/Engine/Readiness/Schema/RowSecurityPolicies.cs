using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class RowSecurityPolicies : IReadinessCheck
{
    private const string Sql = $"""
        SELECT n.nspname, c.relname, ARRAY(SELECT r.rolname::text FROM pg_policy p JOIN pg_roles r ON r.oid = ANY (p.polroles) WHERE p.polrelid = c.oid ORDER BY 1)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND (c.relrowsecurity OR c.oid IN (SELECT polrelid FROM pg_policy)) AND {UserObjects.RelationFilter} ORDER BY 1, 2
        """;

    public string Id => nameof(RowSecurityPolicies);

    public string Group => CheckGroup.Schema;

    public string Title => "Row level security";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var tables = await source.ListAsync(Sql, row => (Name: SqlName.Qualify(row.GetString(0), row.GetString(1)), Roles: row.GetFieldValue<string[]>(2)), cancellationToken);
        if (tables.Count == 0)
        {
            return Finding.Pass("No table has row level security.");
        }

        await using var target = await context.OpenTargetAsync(cancellationToken);
        var missing = await CatalogQuestions.MissingRolesAsync(target, [.. tables.SelectMany(table => table.Roles)], cancellationToken);
        if (missing.Count > 0)
        {
            var concerned = tables.FindAll(table => table.Roles.Any(role => missing.Contains(role)));
            return Finding.Blocked(
                $"Policies of {FindingText.Count(concerned.Count, "table")} name roles that the target does not have: {FindingText.Several(concerned.ConvertAll(table => $"{table.Name} ({SqlName.List(table.Roles.Where(missing.Contains).Distinct(StringComparer.Ordinal))})"))}.",
                "Such a policy cannot be made there: the start would end with that error after the copy.",
                $"-- on the target; give LOGIN and a password to those that need it:\n{FindingText.Statements(missing.Select(role => $"CREATE ROLE {SqlName.Quote(role)}"))}",
                concerned.ConvertAll(table => table.Name));
        }

        return FindingText.Note(
            $"{FindingText.Count(tables.Count, "table has", "tables have")} row level security or policies: {FindingText.Several(tables.ConvertAll(table => table.Name))}.",
            "Policies are made on the target during the start, and put in force under the fence only, so that they hide nothing from the replication.",
            tables.ConvertAll(table => table.Name));
    }
}

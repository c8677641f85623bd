using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class TargetCanCreate : IReadinessCheck
{
    private const string SchemasSql = """
        SELECT n.nspname FROM pg_namespace n
        WHERE n.nspname = ANY ($1) AND NOT (has_schema_privilege(n.oid, 'CREATE') AND has_schema_privilege(n.oid, 'USAGE')) ORDER BY 1
        """;

    /// <summary>Schemas that something is to be made in; an empty one that is there already, such as an extension leaves, asks for nothing.</summary>
    private const string FilledSql = $"""
        SELECT DISTINCT n.nspname FROM pg_depend d JOIN pg_namespace n ON n.oid = d.refobjid
        WHERE d.refclassid = 'pg_namespace'::regclass AND d.deptype = 'n' AND {UserObjects.SchemaFilter}
          AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = d.classid AND e.objid = d.objid AND e.deptype = 'e')
        """;

    private const string UsesPublicSql = $"""
        SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND {UserObjects.RelationFilter})
            OR EXISTS (SELECT FROM pg_extension x WHERE x.extnamespace = to_regnamespace('public'))
            OR EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = to_regnamespace('public'))
            OR EXISTS (SELECT FROM pg_type t WHERE t.typnamespace = to_regnamespace('public'))
        """;

    public string Id => nameof(TargetCanCreate);

    public string Group => CheckGroup.Permissions;

    public string Title => "The role may create the schemas and tables on the target";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        await using var target = await context.OpenTargetAsync(cancellationToken);
        var (role, database) = (await CatalogQuestions.RoleAsync(target, cancellationToken), await CatalogQuestions.DatabaseAsync(target, cancellationToken));
        var usesPublic = await source.ScalarAsync<bool>(UsesPublicSql, cancellationToken);
        var statements = new List<string>();
        var objects = new List<string>();
        if (!await target.ScalarAsync<bool>("SELECT has_database_privilege(current_database(), 'CREATE')", cancellationToken))
        {
            statements.Add($"GRANT CREATE ON DATABASE {database} TO {role}");
            objects.Add(database);
        }

        if (usesPublic && !await target.ScalarAsync<bool>("SELECT to_regnamespace('public') IS NOT NULL", cancellationToken))
        {
            statements.Add($"CREATE SCHEMA public AUTHORIZATION {role}");
            objects.Add("\"public\"");
        }

        var filled = await source.ListAsync(FilledSql, row => row.GetString(0), cancellationToken);
        var used = filled.Where(schema => schema != "public" || usesPublic).ToArray();
        foreach (var schema in await target.ListAsync(SchemasSql, row => SqlName.Quote(row.GetString(0)), cancellationToken, [used]))
        {
            statements.Add($"GRANT USAGE, CREATE ON SCHEMA {schema} TO {role}");
            objects.Add(schema);
        }

        return statements.Count == 0
            ? Finding.Pass("The role may create schemas, and tables in those that are there.")
            : Finding.Blocked(
                $"The role {role} may not create everything that the target needs: {FindingText.Several(objects)}.",
                "The schema of the source is made on the target, beside a schema for the state of the migration.",
                FindingText.Statements(statements),
                objects);
    }
}

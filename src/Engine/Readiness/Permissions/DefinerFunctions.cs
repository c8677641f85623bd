using HerokuMigrator.Catalog;
using HerokuMigrator.Cutover;

namespace HerokuMigrator.Readiness;

internal sealed class DefinerFunctions : IReadinessCheck
{
    private const string NamesSql = $"""
        SELECT n.nspname, p.proname, format('ALTER ROUTINE %I.%I(%s) OWNER TO %I; -- as a superuser', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid), current_user)
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE p.prosecdef AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype) AND {UserObjects.SchemaFilter}
          AND p.proowner IN {FenceDoors.Unstoppable}
          AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e')
          AND EXISTS (SELECT FROM pg_roles r WHERE r.rolcanlogin AND NOT r.rolsuper AND has_function_privilege(r.oid, p.oid, 'EXECUTE') AND has_schema_privilege(r.oid, n.oid, 'USAGE'))
        ORDER BY 1, 2, 3
        """;

    public string Id => nameof(DefinerFunctions);

    public string Group => CheckGroup.Permissions;

    public string Title => "No function writes with rights that the fence does not take";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var functions = await FenceDoors.FindFunctionsAsync(source, cancellationToken);
        if (functions.Count == 0)
        {
            return Finding.Pass("No function that others may call runs with the rights of a superuser.");
        }

        var named = await source.ListAsync(NamesSql, row => (Name: SqlName.Qualify(row.GetString(0), row.GetString(1)), Remedy: row.GetString(2)), cancellationToken);
        return Finding.Warning(
            $"{FindingText.Several(functions)}.",
            "What such a function writes is not held back during the switch, and would be missing on the target; whether it writes cannot be told by looking.",
            FindingText.Statements(named.ConvertAll(function => function.Remedy)) + "\n-- before the switch, or see to it that nobody calls those that write",
            [.. named.ConvertAll(function => function.Name).Distinct(StringComparer.Ordinal)]);
    }
}

using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class ForeignTables : IReadinessCheck
{
    private const string ServersSql = """
        SELECT s.srvname, ARRAY(SELECT m.usename::text FROM pg_user_mappings m WHERE m.srvid = s.oid ORDER BY 1), w.fdwname::text
        FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
        WHERE NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_foreign_server'::regclass AND e.objid = s.oid AND e.deptype = 'e') ORDER BY 1
        """;

    /// <summary>Wrappers that the target does not have at all are a matter of their extensions.</summary>
    private const string ClosedSql = "SELECT fdwname FROM pg_foreign_data_wrapper WHERE fdwname = ANY ($1) AND NOT has_foreign_data_wrapper_privilege(oid, 'USAGE') ORDER BY 1";

    public string Id => nameof(ForeignTables);

    public string Group => CheckGroup.Schema;

    public string Title => "Foreign tables and servers";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var tables = await CatalogQuestions.RelationsAsync(source, "c.relkind = 'f'", cancellationToken);
        var servers = await source.ListAsync(ServersSql, row => (Name: SqlName.Quote(row.GetString(0)), Roles: row.GetFieldValue<string[]>(1), Wrapper: row.GetString(2)), cancellationToken);
        if (tables.Count + servers.Count == 0)
        {
            return Finding.Pass("There are no foreign tables or servers.");
        }

        List<string> objects = [.. tables, .. servers.Select(server => server.Name)];
        var text = $"{FindingText.Count(servers.Count, "foreign server")}, {FindingText.Count(tables.Count, "foreign table")}: {FindingText.Several(objects)}.";
        await using var target = await context.OpenTargetAsync(cancellationToken);
        var closed = await target.ListAsync(
            ClosedSql, row => SqlName.Quote(row.GetString(0)), cancellationToken, [servers.Select(server => server.Wrapper).Distinct(StringComparer.Ordinal).ToArray()]);
        if (closed.Count > 0)
        {
            var role = await CatalogQuestions.RoleAsync(target, cancellationToken);
            return Finding.Blocked(
                $"{text} The target's role may not use the foreign data {(closed.Count == 1 ? "wrapper" : "wrappers")} {string.Join(", ", closed)}.",
                "The foreign servers cannot be made on the target, and the start ends with that error.",
                "-- on the target, as a superuser:\n" + FindingText.Statements(closed.Select(wrapper => $"GRANT USAGE ON FOREIGN DATA WRAPPER {wrapper} TO {role}")),
                objects);
        }

        // PUBLIC's mapping is shown as a role of that name.
        var missing = await CatalogQuestions.MissingRolesAsync(target, [.. servers.SelectMany(server => server.Roles).Where(role => role != "public")], cancellationToken);
        return missing.Count > 0
            ? Finding.Blocked(
                $"{text} Their user mappings name roles that the target does not have: {SqlName.List(missing)}.",
                "Such a mapping cannot be made on the target, and the start ends with that error.",
                "-- on the source, where nobody needs the mapping; it can be made for the target's own role after the start:\n"
                + FindingText.Statements(servers.SelectMany(server => server.Roles.Where(missing.Contains).Select(role => $"DROP USER MAPPING FOR {SqlName.Quote(role)} SERVER {server.Name}")))
                + $"\n-- or on the target:\n{FindingText.Statements(missing.Select(role => $"CREATE ROLE {SqlName.Quote(role)}"))}",
                objects)
            : Finding.Warning(
                text,
                "Only the definition is moved. The rows stay on the foreign server, which the target must be able to reach; passwords of other roles' user mappings are not moved.",
                "-- on the target, after the start; the foreign servers must be reachable from there:\n"
                + FindingText.Statements(servers.Select(server => $"CREATE USER MAPPING IF NOT EXISTS FOR CURRENT_USER SERVER {server.Name} OPTIONS (user '…', password '…')")),
                objects);
    }
}

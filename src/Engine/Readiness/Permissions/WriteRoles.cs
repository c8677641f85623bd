using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class WriteRoles : IReadinessCheck
{
    /// <summary>
    /// By the entries of the access lists, not by asking for each role and table: there may be many of both.
    /// Whoever is a member of a grantee writes with it; PUBLIC is the grantee 0.
    /// </summary>
    private const string Sql = $"""
        WITH relation AS MATERIALIZED (
            SELECT c.oid, c.relowner, c.relacl FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p') AND {UserObjects.RelationFilter}),
        entry AS MATERIALIZED (
            SELECT r.oid, a.grantee FROM relation r CROSS JOIN LATERAL aclexplode(coalesce(r.relacl, acldefault('r', r.relowner))) a
            WHERE a.privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')
            UNION
            SELECT r.oid, a.grantee FROM relation r JOIN pg_attribute t ON t.attrelid = r.oid CROSS JOIN LATERAL aclexplode(t.attacl) a
            WHERE t.attacl IS NOT NULL AND a.privilege_type IN ('INSERT', 'UPDATE')),
        writer AS MATERIALIZED (
            SELECT m.oid, m.rolname, g.grantee FROM (SELECT DISTINCT grantee FROM entry) g JOIN pg_roles m ON g.grantee = 0 OR pg_has_role(m.oid, g.grantee, 'USAGE')
            WHERE m.rolcanlogin AND NOT m.rolsuper)
        SELECT w.rolname, count(DISTINCT e.oid)::int FROM writer w JOIN entry e ON e.grantee = w.grantee
        WHERE has_database_privilege(w.oid, current_database(), 'CONNECT')
        GROUP BY w.rolname, w.oid ORDER BY w.rolname = current_user DESC, 1
        """;

    public string Id => nameof(WriteRoles);

    public string Group => CheckGroup.Permissions;

    public string Title => "Who writes on the source, and is held back during the switch";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var role = await CatalogQuestions.RoleAsync(source, cancellationToken);
        var writers = await source.ListAsync(Sql, row => (Name: SqlName.Quote(row.GetString(0)), Tables: row.GetInt32(1)), cancellationToken);
        var others = writers.FindAll(writer => writer.Name != role);
        return others.Count == 0
            ? Finding.Pass($"Nobody but {role} may write tables of the source, superusers apart.")
            : FindingText.Note(
                $"{FindingText.Count(writers.Count, "login role")} may write tables of the source: {FindingText.Several(writers.ConvertAll(writer => $"{writer.Name} ({FindingText.Count(writer.Tables, "table")})"))}.",
                "The switch revokes INSERT, UPDATE, DELETE and TRUNCATE from all of them, proves that none can write, and ends their idle sessions. All applications that use them must move together.",
                writers.ConvertAll(writer => writer.Name));
    }
}

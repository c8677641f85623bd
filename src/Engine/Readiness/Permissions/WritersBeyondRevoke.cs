using HerokuMigrator.Catalog;
using HerokuMigrator.Cutover;

namespace HerokuMigrator.Readiness;

internal sealed class WritersBeyondRevoke : IReadinessCheck
{
    private const string RemedySql = $"""
        SELECT 'REVOKE pg_write_all_data FROM ' || quote_ident(m.rolname)
        FROM pg_auth_members a JOIN pg_roles w ON w.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
        WHERE w.rolname = 'pg_write_all_data' AND NOT m.rolsuper
        UNION
        SELECT 'GRANT ' || quote_ident(g.rolname) || ' TO ' || quote_ident(current_user)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        CROSS JOIN LATERAL (
            SELECT * FROM aclexplode(c.relacl)
            UNION ALL
            SELECT x.* FROM pg_attribute t CROSS JOIN LATERAL aclexplode(t.attacl) x WHERE t.attrelid = c.oid AND t.attacl IS NOT NULL) a
        JOIN pg_roles g ON g.oid = a.grantor
        WHERE c.relkind IN ('r', 'p', 'S') AND a.grantor <> c.relowner
          AND NOT pg_has_role(a.grantor, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END) AND {UserObjects.RelationFilter}
        UNION
        SELECT 'ALTER VIEW ' || quote_ident(n.nspname) || '.' || quote_ident(c.relname) || ' OWNER TO ' || quote_ident(current_user) || '; -- as a superuser'
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'v' AND c.relowner IN {FenceDoors.Unstoppable} AND pg_relation_is_updatable(c.oid, false) & 28 <> 0 AND {UserObjects.RelationFilter}
          AND NOT EXISTS (SELECT FROM pg_options_to_table(c.reloptions) x WHERE x.option_name = 'security_invoker' AND x.option_value::boolean)
        ORDER BY 1
        """;

    public string Id => nameof(WritersBeyondRevoke);

    public string Group => CheckGroup.Permissions;

    public string Title => "The fence can hold back every writer";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        var obstacles = await PrivilegeReader.FindBeyondRevokeAsync(source, cancellationToken);
        var superusers = await source.ListAsync("SELECT rolname FROM pg_roles WHERE rolsuper AND rolcanlogin ORDER BY 1", row => SqlName.Quote(row.GetString(0)), cancellationToken);
        if (obstacles.Count == 0)
        {
            return Finding.Pass($"Every writer on the source can be held back, and every privilege restored. Superusers are the operator's, and nobody's REVOKE stops them: {FindingText.Several(superusers)}.");
        }

        var statements = await source.ListAsync(RemedySql, row => row.GetString(0), cancellationToken);
        return Finding.Warning(
            $"{FindingText.Count(obstacles.Count, "thing stands", "things stand")} in the way of the fence: {FindingText.Several([.. obstacles])}.",
            "The switch refuses as long as someone could write past the fence, or a privilege could not be restored. The migration may start before that is mended.",
            FindingText.Statements(statements) + "\n-- before the switch; where a role may not be granted, let its grants be made by the owner instead",
            obstacles);
    }
}

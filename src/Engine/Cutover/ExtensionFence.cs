using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Cutover;

/// <summary>A table or sequence of an extension that users fill, and that the fence cannot hold.</summary>
/// <param name="Relation">Qualified and quoted.</param>
/// <param name="Writers">Login roles that may write it, superusers apart.</param>
/// <param name="Remedy">What mends that on the source, before the switch.</param>
internal sealed record UnfencedRelation(string Relation, IReadOnlyList<string> Writers, string Remedy)
{
    public string Words => $"{Relation} of an extension may be written by {string.Join(", ", Writers.Take(5))}, and the migrating role can neither hold that back nor see it";
}

/// <summary>Relations of extensions have no capture, so whatever can be held back of their writes is.</summary>
internal static class ExtensionFence
{
    /// <summary>The oids of those that the role may lock, revoke and give back; asked once a statement.</summary>
    private const string Fenceable = $"""
        (SELECT c.oid FROM pg_class c
         WHERE {ExtensionPolicy.ConfigFilter} AND pg_has_role(c.relowner, 'USAGE') AND c.relnamespace <> 'pg_catalog'::regnamespace AND NOT EXISTS (
            SELECT FROM (
                SELECT * FROM aclexplode(c.relacl)
                UNION ALL
                SELECT e.* FROM pg_attribute b CROSS JOIN LATERAL aclexplode(b.attacl) e WHERE b.attrelid = c.oid AND NOT b.attisdropped) g
            WHERE g.grantor <> c.relowner AND g.privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'USAGE')
              AND NOT pg_has_role(g.grantor, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)))
        """;

    /// <summary>For a pg_class <c>c</c> in a schema <c>n</c>: what a fence holds, which is the user's relations, and of extensions what can be held.</summary>
    public const string Filter = UserObjects.SchemaFilter + " AND c.relpersistence <> 't' AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass"
        + " AND e.objid = c.oid AND e.deptype = 'e' AND e.objid NOT IN " + Fenceable + ")";

    /// <summary>A login role <c>r</c> may write the relation <c>c</c>.</summary>
    public const string MayWrite = """
        CASE c.relkind
            WHEN 'S' THEN has_sequence_privilege(r.oid, c.oid, 'USAGE, UPDATE')
            ELSE has_table_privilege(r.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') OR has_any_column_privilege(r.oid, c.oid, 'INSERT, UPDATE') END
        """;

    public static Task<List<UnfencedRelation>> FindUnfencedAsync(NpgsqlConnection source, CancellationToken cancellationToken) =>
        source.ListAsync(
            $"""
            SELECT n.nspname, c.relname, array_agg(quote_ident(r.rolname) ORDER BY r.rolname),
                   CASE WHEN o.rolsuper OR pg_has_role(o.oid, 'USAGE')
                       THEN format('REVOKE %s ON %s%I.%I FROM %s', CASE c.relkind WHEN 'S' THEN 'USAGE, UPDATE' ELSE 'INSERT, UPDATE, DELETE, TRUNCATE' END,
                           CASE c.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE '' END, n.nspname, c.relname, coalesce(
                           (SELECT string_agg(DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, ', ')
                            FROM aclexplode(c.relacl) a WHERE a.grantee <> c.relowner AND a.privilege_type <> 'SELECT'), 'PUBLIC'))
                       ELSE format('GRANT %I TO %I', o.rolname, current_user) END
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles o ON o.oid = c.relowner CROSS JOIN pg_roles r
            WHERE c.relkind IN ('r', 'p', 'S') AND {ExtensionPolicy.ConfigFilter} AND c.oid NOT IN {Fenceable} AND r.rolcanlogin AND NOT r.rolsuper AND {MayWrite}
            GROUP BY c.oid, n.nspname, c.relname, c.relkind, c.relacl, c.relowner, o.oid, o.rolname, o.rolsuper ORDER BY 1, 2
            """,
            row => new UnfencedRelation(SqlName.Qualify(row.GetString(0), row.GetString(1)), row.GetFieldValue<string[]>(2), row.GetString(3) + "; -- on the source, as its superuser, before the switch"),
            cancellationToken);
}

using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Cutover;

/// <summary>Something about a large object that no fence can hold, and the statement that mends it; empty where there is none.</summary>
internal sealed record LargeObjectObstacle(string Text, string Remedy);

/// <summary>Reads privileges on the source's large objects, and who could write them past the fence.</summary>
internal static class LargeObjectPrivileges
{
    private const string Acl = "coalesce(m.lomacl, acldefault('L', m.lomowner))";

    private const int Named = 20;

    public static Task<List<FencedLargeObjects>> ReadAsync(NpgsqlConnection source, CancellationToken cancellationToken) =>
        source.ListAsync(
            $"""
            SELECT pg_get_userbyid(g.lomowner), g.acl, g.oids, x.grantors, x.grantees, x.privileges, x.grantable
            FROM (SELECT m.lomowner, {Acl}::text[] AS acl, array_agg(m.oid::bigint ORDER BY m.oid) AS oids
                  FROM pg_largeobject_metadata m WHERE {UserObjects.LargeObjectFilter} GROUP BY 1, 2) g
            CROSS JOIN LATERAL (
                SELECT coalesce(array_agg(pg_get_userbyid(a.grantor)::text ORDER BY a.ordinality), ARRAY[]::text[]) AS grantors,
                       coalesce(array_agg(CASE a.grantee WHEN 0 THEN '' ELSE pg_get_userbyid(a.grantee)::text END ORDER BY a.ordinality), ARRAY[]::text[]) AS grantees,
                       coalesce(array_agg(a.privilege_type ORDER BY a.ordinality), ARRAY[]::text[]) AS privileges,
                       coalesce(array_agg(a.is_grantable ORDER BY a.ordinality), ARRAY[]::bool[]) AS grantable
                FROM aclexplode(g.acl::aclitem[]) WITH ORDINALITY a) x
            ORDER BY g.oids[1]
            """,
            row => new FencedLargeObjects(
                row.GetString(0),
                row.GetFieldValue<string[]>(1),
                [.. row.GetFieldValue<string[]>(3).Select((grantor, at) =>
                    new Grant(grantor, row.GetFieldValue<string[]>(4)[at], row.GetFieldValue<string[]>(5)[at], row.GetFieldValue<bool[]>(6)[at]))],
                row.GetFieldValue<long[]>(2)),
            cancellationToken);

    /// <summary>The access lists of now, by oid, of those that are still there.</summary>
    public static async Task<IReadOnlyDictionary<long, string[]>> ReadAclsAsync(NpgsqlConnection source, IEnumerable<long> oids, CancellationToken cancellationToken)
    {
        var rows = await source.ListAsync(
            $"SELECT m.oid::bigint, {Acl}::text[] FROM pg_largeobject_metadata m WHERE m.oid = ANY ($1::bigint[]::oid[])",
            row => (Oid: row.GetInt64(0), Acl: row.GetFieldValue<string[]>(1)),
            cancellationToken,
            oids.ToArray());
        return rows.ToDictionary(row => row.Oid, row => row.Acl);
    }

    /// <summary>Login roles that can write one of these, superusers apart, as "role on large object". One made later is referenced by no row.</summary>
    public static async Task<List<string>> FindWritersAsync(NpgsqlConnection source, FenceRecord record, CancellationToken cancellationToken) =>
        record.LargeObjects.Count == 0 ? [] : await source.ListAsync(
            $"""
            SELECT DISTINCT r.rolname || ' on large object ' || m.oid
            FROM pg_largeobject_metadata m CROSS JOIN LATERAL aclexplode({Acl}) a
            JOIN pg_roles r ON r.rolcanlogin AND NOT r.rolsuper AND (a.grantee = 0 OR pg_has_role(r.oid, a.grantee, 'USAGE'))
            WHERE a.privilege_type = 'UPDATE' AND m.oid = ANY ($1::bigint[]::oid[]) ORDER BY 1 LIMIT 100
            """,
            row => row.GetString(0),
            cancellationToken,
            record.LargeObjects.SelectMany(group => group.Oids).ToArray());

    /// <summary>What can be neither read, nor held back, nor given back. Empty where there are no large objects.</summary>
    public static async Task<List<LargeObjectObstacle>> FindObstaclesAsync(NpgsqlConnection source, CancellationToken cancellationToken) =>
        await source.ListAsync(
            $"""
            SELECT * FROM (
                SELECT 'large object ' || m.oid || ' belongs to ' || quote_ident(pg_get_userbyid(m.lomowner)) || ', and the migrating role may not act as it',
                       'ALTER LARGE OBJECT ' || m.oid || ' OWNER TO ' || quote_ident(current_user)
                FROM pg_largeobject_metadata m WHERE NOT pg_has_role(m.lomowner, 'USAGE') AND {UserObjects.LargeObjectFilter} ORDER BY m.oid LIMIT {Named}) foreign_ones
            UNION ALL SELECT * FROM (
                SELECT 'large object ' || m.oid || ' may not be read by the migrating role', 'GRANT SELECT ON LARGE OBJECT ' || m.oid || ' TO ' || quote_ident(current_user)
                FROM pg_largeobject_metadata m
                WHERE pg_has_role(m.lomowner, 'USAGE') AND {UserObjects.LargeObjectFilter}
                  AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
                  AND NOT EXISTS (SELECT FROM aclexplode({Acl}) a WHERE a.privilege_type = 'SELECT' AND (a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE')))
                ORDER BY m.oid LIMIT {Named}) unreadable
            UNION ALL SELECT * FROM (
                SELECT DISTINCT 'role ' || quote_ident(pg_get_userbyid(a.grantor)) || ' granted UPDATE on large object ' || m.oid || ', and the migrating role may not act as it to restore that',
                       'GRANT ' || quote_ident(pg_get_userbyid(a.grantor)) || ' TO ' || quote_ident(current_user)
                FROM pg_largeobject_metadata m CROSS JOIN LATERAL aclexplode({Acl}) a
                WHERE a.grantor <> m.lomowner AND a.privilege_type = 'UPDATE' AND {UserObjects.LargeObjectFilter}
                  AND NOT pg_has_role(a.grantor, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)
                ORDER BY 1 LIMIT {Named}) grantors
            UNION ALL
            SELECT 'lo_compat_privileges is on: every role may write every large object', '-- as a superuser of the source: set lo_compat_privileges to off'
            WHERE EXISTS (SELECT FROM pg_largeobject_metadata)
              AND (current_setting('lo_compat_privileges')::bool
                   OR EXISTS (SELECT FROM pg_db_role_setting s CROSS JOIN LATERAL unnest(s.setconfig) o
                              WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())) AND o ~* '^lo_compat_privileges=(on|true|yes|1)$'))
            """,
            row => new LargeObjectObstacle(row.GetString(0), row.GetString(1)),
            cancellationToken);
}

using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Cutover;

/// <summary>Reads privileges on the source, and who could get past the fence.</summary>
internal static class PrivilegeReader
{
    public static async Task<FenceRecord> ReadAsync(NpgsqlConnection source, CancellationToken cancellationToken)
    {
        var grants = await ReadRelationGrantsAsync(source, cancellationToken);
        var columns = await ReadColumnGrantsAsync(source, cancellationToken);
        var relations = await source.ListAsync(
            $"""
            SELECT c.oid, n.nspname, c.relname, pg_get_userbyid(c.relowner), c.relkind = 'S',
                   coalesce(c.relacl, acldefault(CASE WHEN c.relkind = 'S' THEN 's' ELSE 'r' END::"char", c.relowner))::text[]
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p', 'S') AND {ExtensionFence.Filter} ORDER BY n.nspname, c.relname
            """,
            row => new FencedRelation
            {
                Oid = row.GetFieldValue<uint>(0),
                Schema = row.GetString(1),
                Name = row.GetString(2),
                Owner = row.GetString(3),
                IsSequence = row.GetBoolean(4),
                Acl = row.GetFieldValue<string[]>(5),
                Grants = [.. grants[row.GetFieldValue<uint>(0)]],
                ColumnGrants = columns[row.GetFieldValue<uint>(0)].GroupBy(entry => entry.Column)
                    .ToDictionary(group => group.Key, IReadOnlyList<Grant> (group) => [.. group.Select(entry => entry.Grant)]),
                ColumnNumbers = columns[row.GetFieldValue<uint>(0)].DistinctBy(entry => entry.Column).ToDictionary(entry => entry.Column, entry => entry.Number),
            },
            cancellationToken);
        return new FenceRecord
        {
            Relations = relations,
            LargeObjects = await LargeObjectPrivileges.ReadAsync(source, cancellationToken),
            Roles = await ReadOwnRoleAsync(source, cancellationToken),
            Database = (await source.ScalarAsync<string>("SELECT current_database()::text", cancellationToken))!,
        };
    }

    /// <summary>The access lists of now, by the relation's oid; empty where the catalog has none.</summary>
    public static async Task<IReadOnlyDictionary<uint, string[]>> ReadAclsAsync(NpgsqlConnection source, IReadOnlyList<FencedRelation> relations, CancellationToken cancellationToken)
    {
        var rows = await source.ListAsync(
            "SELECT oid, coalesce(relacl::text[], '{}') FROM pg_class WHERE oid = ANY ($1::bigint[]::oid[])",
            row => (Oid: row.GetFieldValue<uint>(0), Acl: row.GetFieldValue<string[]>(1)),
            cancellationToken,
            relations.Select(relation => (long)relation.Oid).ToArray());
        return rows.ToDictionary(row => row.Oid, row => row.Acl);
    }

    /// <summary>Login roles that can write what a fence holds, superusers apart, as "role on table".</summary>
    public static string WritersSql { get; } = $"""
        SELECT r.rolname || ' on ' || quote_ident(n.nspname) || '.' || quote_ident(c.relname)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN pg_roles r
        WHERE r.rolcanlogin AND NOT r.rolsuper AND {ExtensionFence.Filter}
          AND {ExtensionFence.MayWrite}
          AND c.relkind IN ('r', 'p', 'S')
        ORDER BY 1 LIMIT 100
        """;

    public static Task<List<string>> FindWritersAsync(NpgsqlConnection source, CancellationToken cancellationToken) =>
        source.ListAsync(WritersSql, row => row.GetString(0), cancellationToken);

    /// <summary>Of the role's own tables: what no REVOKE of ours can stop, or no GRANT of ours can restore; each in a sentence.</summary>
    public static async Task<IReadOnlyList<string>> FindBeyondRevokeAsync(NpgsqlConnection source, CancellationToken cancellationToken)
    {
        var found = new List<string>();
        found.AddRange(await source.ListAsync(
            """
            SELECT 'role ' || quote_ident(r.rolname) || ' may write everything as a member of pg_write_all_data'
            FROM pg_roles r WHERE r.rolcanlogin AND NOT r.rolsuper AND EXISTS (SELECT FROM pg_roles w WHERE w.rolname = 'pg_write_all_data' AND pg_has_role(r.oid, w.oid, 'MEMBER'))
            """,
            row => row.GetString(0),
            cancellationToken));
        found.AddRange(await source.ListAsync(
            $"""
            SELECT DISTINCT 'role ' || quote_ident(pg_get_userbyid(a.grantor)) || ' granted write privileges on ' || quote_ident(n.nspname) || '.' || quote_ident(c.relname)
                   || ', and the migrating role may not act as it to restore them'
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            CROSS JOIN LATERAL (
                SELECT * FROM aclexplode(c.relacl)
                UNION ALL
                SELECT x.* FROM pg_attribute t CROSS JOIN LATERAL aclexplode(t.attacl) x WHERE t.attrelid = c.oid AND NOT t.attisdropped) a
            WHERE c.relkind IN ('r', 'p', 'S') AND a.grantor <> c.relowner AND a.privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'USAGE') AND NOT pg_has_role(a.grantor, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END) AND {UserObjects.RelationFilter} ORDER BY 1 LIMIT 20
            """,
            row => row.GetString(0),
            cancellationToken));
        found.AddRange(await FenceDoors.FindViewsAsync(source, cancellationToken));
        return found;
    }

    /// <summary>Tables and sequences of owners that the role may not act as, each in a sentence.</summary>
    public static Task<List<string>> FindForeignRelationsAsync(NpgsqlConnection source, CancellationToken cancellationToken) =>
        source.ListAsync(
            $"""
            SELECT 'the role does not own ' || quote_ident(n.nspname) || '.' || quote_ident(c.relname) || ' (owner ' || pg_get_userbyid(c.relowner) || ')'
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p', 'S') AND NOT pg_has_role(c.relowner, 'USAGE') AND {UserObjects.RelationFilter} ORDER BY 1 LIMIT 20
            """,
            row => row.GetString(0),
            cancellationToken);

    private static async Task<ILookup<uint, Grant>> ReadRelationGrantsAsync(NpgsqlConnection source, CancellationToken cancellationToken)
    {
        var rows = await source.ListAsync(
            $"""
            SELECT c.oid, pg_get_userbyid(a.grantor), CASE a.grantee WHEN 0 THEN '' ELSE pg_get_userbyid(a.grantee) END, a.privilege_type, a.is_grantable
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            CROSS JOIN LATERAL aclexplode(coalesce(c.relacl, acldefault(CASE WHEN c.relkind = 'S' THEN 's' ELSE 'r' END::"char", c.relowner))) WITH ORDINALITY a
            WHERE c.relkind IN ('r', 'p', 'S') AND {ExtensionFence.Filter} ORDER BY c.oid, a.ordinality
            """,
            row => (Relation: row.GetFieldValue<uint>(0), Grant: new Grant(row.GetString(1), row.GetString(2), row.GetString(3), row.GetBoolean(4))),
            cancellationToken);
        return rows.ToLookup(row => row.Relation, row => row.Grant);
    }

    private static async Task<ILookup<uint, (string Column, short Number, Grant Grant)>> ReadColumnGrantsAsync(NpgsqlConnection source, CancellationToken cancellationToken)
    {
        var rows = await source.ListAsync(
            $"""
            SELECT c.oid, t.attname, t.attnum, pg_get_userbyid(a.grantor), CASE a.grantee WHEN 0 THEN '' ELSE pg_get_userbyid(a.grantee) END, a.privilege_type, a.is_grantable
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute t ON t.attrelid = c.oid
            CROSS JOIN LATERAL aclexplode(t.attacl) WITH ORDINALITY a
            WHERE c.relkind IN ('r', 'p') AND NOT t.attisdropped AND {ExtensionFence.Filter} ORDER BY c.oid, t.attnum, a.ordinality
            """,
            row => (Relation: row.GetFieldValue<uint>(0), Entry: (row.GetString(1), row.GetInt16(2), new Grant(row.GetString(3), row.GetString(4), row.GetString(5), row.GetBoolean(6)))),
            cancellationToken);
        return rows.ToLookup(row => row.Relation, row => row.Entry);
    }

    /// <summary>A role may set defaults for itself only.</summary>
    private static Task<List<FencedRole>> ReadOwnRoleAsync(NpgsqlConnection source, CancellationToken cancellationToken) =>
        source.ListAsync(
            """
            SELECT session_user::text, (
                SELECT split_part(option, '=', 2) FROM pg_db_role_setting s CROSS JOIN LATERAL unnest(s.setconfig) option
                WHERE s.setrole = (SELECT oid FROM pg_roles WHERE rolname = session_user)
                  AND s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
                  AND split_part(option, '=', 1) = 'default_transaction_read_only')
            """,
            row => new FencedRole(row.GetString(0), row.IsDBNull(1) ? null : row.GetString(1)),
            cancellationToken);
}

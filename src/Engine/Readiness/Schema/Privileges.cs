using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Readiness;

/// <summary>What a role that is neither the connected one nor a superuser may do with one object.</summary>
/// <param name="Kind">As GRANT names it: TABLE, SEQUENCE, SCHEMA, ROUTINE; DEFAULT for objects of the future.</param>
/// <param name="Schema">Quoted; empty for a default that holds everywhere.</param>
/// <param name="Object">Quoted and qualified; for a default the kind of objects that it is for.</param>
/// <param name="Rights">As GRANT takes them.</param>
/// <param name="Grantee">Empty for PUBLIC.</param>
internal sealed record Privilege(string Kind, string Schema, string Object, string Rights, string Grantee, bool Grantable);

/// <summary>Privileges of other roles than the connected one, and the statements that give them.</summary>
internal static class Privileges
{
    private const int ObjectsInStatement = 100;

    /// <summary>An owner's own count too where the owner is another role, as on the target all belongs to one.</summary>
    private static readonly string Sql = $"""
        WITH acl AS (
            SELECT CASE WHEN c.relkind = 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind, quote_ident(n.nspname) AS schema, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS object,
                   '' AS suffix, a.grantee, a.privilege_type, a.is_grantable
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            CROSS JOIN LATERAL aclexplode(coalesce(c.relacl, acldefault(CASE WHEN c.relkind = 'S' THEN 's' ELSE 'r' END::"char", c.relowner))) a
            WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND {UserObjects.RelationFilter}
            UNION ALL
            SELECT 'TABLE', quote_ident(n.nspname), quote_ident(n.nspname) || '.' || quote_ident(c.relname), ' (' || quote_ident(t.attname) || ')', a.grantee, a.privilege_type, a.is_grantable
            FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL aclexplode(t.attacl) a
            WHERE t.attacl IS NOT NULL AND NOT t.attisdropped AND {UserObjects.RelationFilter}
            UNION ALL
            SELECT 'SCHEMA', quote_ident(n.nspname), quote_ident(n.nspname), '', a.grantee, a.privilege_type, a.is_grantable
            FROM pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) a WHERE n.nspname <> 'public' AND {UserObjects.SchemaFilter}
            UNION ALL
            SELECT 'SCHEMA', 'public', 'public', '', a.grantee, a.privilege_type, a.is_grantable
            FROM pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) a WHERE n.nspname = 'public' AND a.grantee <> 0
            UNION ALL
            SELECT 'ROUTINE', quote_ident(n.nspname), quote_ident(n.nspname) || '.' || quote_ident(p.proname) || '(' || pg_get_function_identity_arguments(p.oid) || ')', '',
                   a.grantee, a.privilege_type, a.is_grantable
            FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace CROSS JOIN LATERAL aclexplode(p.proacl) a WHERE a.grantee <> 0 AND {UserObjects.RoutineFilter}
            UNION ALL
            SELECT 'DEFAULT', coalesce(quote_ident(n.nspname), ''), CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES' ELSE 'SCHEMAS' END, '',
                   a.grantee, a.privilege_type, a.is_grantable
            FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace CROSS JOIN LATERAL aclexplode(d.defaclacl) a
            WHERE a.grantee <> d.defaclrole AND d.defaclobjtype IN ('r', 'S', 'f', 'T', 'n') AND (n.oid IS NULL OR {UserObjects.SchemaFilter}))
        SELECT acl.kind, acl.schema, acl.object, string_agg(DISTINCT acl.privilege_type || acl.suffix, ', '), coalesce(r.rolname::text, ''), acl.is_grantable
        FROM acl LEFT JOIN pg_roles r ON r.oid = acl.grantee
        WHERE acl.grantee = 0 OR r.rolname <> session_user AND NOT r.rolsuper
        GROUP BY 1, 2, 3, 5, 6, acl.suffix <> '' ORDER BY acl.kind <> 'SCHEMA', 1, 2, 5, 3
        """;

    public static Task<List<Privilege>> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        connection.ListAsync(
            Sql, row => new Privilege(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), row.GetBoolean(5)), cancellationToken);

    /// <summary>How many tables and sequences each schema has, those of extensions too: ALL TABLES IN SCHEMA means every one.</summary>
    public static async Task<IReadOnlyDictionary<(string Kind, string Schema), long>> CountRelationsAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        (await connection.ListAsync(
            $"""
            SELECT CASE WHEN c.relkind = 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, quote_ident(n.nspname), count(*)
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND {UserObjects.SchemaFilter} GROUP BY 1, 2
            """,
            row => (Key: (row.GetString(0), row.GetString(1)), Count: row.GetInt64(2)), cancellationToken)).ToDictionary(one => one.Key, one => one.Count);

    /// <summary>Few statements, of many objects each.</summary>
    public static IEnumerable<string> Statements(IReadOnlyList<Privilege> privileges, IReadOnlyDictionary<(string Kind, string Schema), long> relations)
    {
        foreach (var group in privileges.GroupBy(one => (one.Kind, one.Schema, one.Rights, one.Grantee, one.Grantable)))
        {
            var to = (group.Key.Grantee.Length == 0 ? "PUBLIC" : SqlName.Quote(group.Key.Grantee)) + (group.Key.Grantable ? " WITH GRANT OPTION" : "");
            var objects = group.Select(one => one.Object).ToList();
            if (group.Key.Kind == "DEFAULT")
            {
                foreach (var kind in objects)
                {
                    yield return $"ALTER DEFAULT PRIVILEGES{(group.Key.Schema.Length == 0 ? "" : " IN SCHEMA " + group.Key.Schema)} GRANT {group.Key.Rights} ON {kind} TO {to}";
                }
            }
            else if (objects.Count > 1 && relations.GetValueOrDefault((group.Key.Kind, group.Key.Schema)) == objects.Count)
            {
                yield return $"GRANT {group.Key.Rights} ON ALL {group.Key.Kind}S IN SCHEMA {group.Key.Schema} TO {to}";
            }
            else
            {
                foreach (var batch in objects.Chunk(ObjectsInStatement))
                {
                    yield return $"GRANT {group.Key.Rights} ON {group.Key.Kind} {string.Join(", ", batch)} TO {to}";
                }
            }
        }
    }
}

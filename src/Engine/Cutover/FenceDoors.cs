using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Cutover;

/// <summary>
/// Views and functions through which a role writes with the rights of another: where that other one keeps its rights under the fence,
/// as a superuser does, the privileges of the caller do not matter.
/// </summary>
internal static class FenceDoors
{
    /// <summary>The oids of roles whose writes no REVOKE of ours stops.</summary>
    public const string Unstoppable = """
        (SELECT o.oid FROM pg_roles o LEFT JOIN pg_roles w ON w.rolname = 'pg_write_all_data' WHERE o.rolsuper OR pg_has_role(o.oid, w.oid, 'MEMBER'))
        """;

    /// <summary>Views that the server itself turns into writes of their tables, and that others may write; each in a sentence.</summary>
    public static Task<List<string>> FindViewsAsync(NpgsqlConnection source, CancellationToken cancellationToken) =>
        source.ListAsync(
            $"""
            WITH doors AS MATERIALIZED (
                SELECT c.oid, n.nspname, c.relname, c.relowner
                FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE c.relkind = 'v' AND c.relowner IN {Unstoppable} AND {UserObjects.RelationFilter}
                  AND NOT EXISTS (SELECT FROM pg_options_to_table(c.reloptions) x WHERE x.option_name = 'security_invoker' AND x.option_value::boolean))
            SELECT 'view ' || quote_ident(d.nspname) || '.' || quote_ident(d.relname) || ' writes with the rights of ' || quote_ident(pg_get_userbyid(d.relowner))
                   || ', which the fence does not take, and role ' || quote_ident(min(r.rolname)) || ' may write it'
            FROM doors d JOIN pg_roles r ON r.rolcanlogin AND NOT r.rolsuper
            -- The bits of UPDATE, INSERT and DELETE.
            WHERE pg_relation_is_updatable(d.oid, false) & 28 <> 0
              AND (has_table_privilege(r.oid, d.oid, 'INSERT, UPDATE, DELETE') OR has_any_column_privilege(r.oid, d.oid, 'INSERT, UPDATE'))
            GROUP BY d.oid, d.nspname, d.relname, d.relowner ORDER BY 1 LIMIT 20
            """,
            row => row.GetString(0),
            cancellationToken);

    /// <summary>Functions that run with such rights and that others may call; whether they write, nobody can tell by looking. Each as the beginning of a sentence.</summary>
    public static Task<List<string>> FindFunctionsAsync(NpgsqlConnection source, CancellationToken cancellationToken) =>
        source.ListAsync(
            $"""
            SELECT 'Function ' || quote_ident(n.nspname) || '.' || quote_ident(p.proname) || ' runs with the rights of ' || quote_ident(pg_get_userbyid(p.proowner))
                   || ', and role ' || quote_ident(min(r.rolname)) || ' may call it'
            FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_roles r ON r.rolcanlogin AND NOT r.rolsuper
            WHERE p.prosecdef AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype) AND {UserObjects.SchemaFilter}
              AND p.proowner IN {Unstoppable}
              AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e')
              AND has_function_privilege(r.oid, p.oid, 'EXECUTE') AND has_schema_privilege(r.oid, n.oid, 'USAGE')
            GROUP BY p.oid, n.nspname, p.proname, p.proowner ORDER BY 1 LIMIT 20
            """,
            row => row.GetString(0),
            cancellationToken);
}

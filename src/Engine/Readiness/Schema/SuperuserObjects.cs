using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class SuperuserObjects : IReadinessCheck
{
    /// <summary>Objects below this oid came with the server.</summary>
    private const int FirstUserOid = 16384;

    /// <summary>What CREATE refuses to everybody but superusers: kind as DROP wants it, and name. In schemas of users, not of extensions.</summary>
    private static readonly string Sql = $"""
        SELECT 'OPERATOR CLASS', quote_ident(n.nspname) || '.' || quote_ident(o.opcname) || ' USING ' || quote_ident(a.amname), o.oid, 'pg_opclass'::regclass::oid
        FROM pg_opclass o JOIN pg_namespace n ON n.oid = o.opcnamespace JOIN pg_am a ON a.oid = o.opcmethod WHERE {UserObjects.SchemaFilter}
        UNION ALL
        SELECT 'OPERATOR FAMILY', quote_ident(n.nspname) || '.' || quote_ident(o.opfname) || ' USING ' || quote_ident(a.amname), o.oid, 'pg_opfamily'::regclass
        FROM pg_opfamily o JOIN pg_namespace n ON n.oid = o.opfnamespace JOIN pg_am a ON a.oid = o.opfmethod WHERE {UserObjects.SchemaFilter}
        UNION ALL
        SELECT 'TYPE', quote_ident(n.nspname) || '.' || quote_ident(t.typname), t.oid, 'pg_type'::regclass
        FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
        WHERE t.typtype = 'b' AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid) AND {UserObjects.SchemaFilter}
        UNION ALL
        SELECT 'TEXT SEARCH PARSER', quote_ident(n.nspname) || '.' || quote_ident(x.prsname), x.oid, 'pg_ts_parser'::regclass
        FROM pg_ts_parser x JOIN pg_namespace n ON n.oid = x.prsnamespace WHERE {UserObjects.SchemaFilter}
        UNION ALL
        SELECT 'TEXT SEARCH TEMPLATE', quote_ident(n.nspname) || '.' || quote_ident(x.tmplname), x.oid, 'pg_ts_template'::regclass
        FROM pg_ts_template x JOIN pg_namespace n ON n.oid = x.tmplnamespace WHERE {UserObjects.SchemaFilter}
        UNION ALL
        SELECT 'LANGUAGE', quote_ident(x.lanname), x.oid, 'pg_language'::regclass FROM pg_language x WHERE x.oid >= {FirstUserOid}
        UNION ALL
        SELECT 'FOREIGN DATA WRAPPER', quote_ident(x.fdwname), x.oid, 'pg_foreign_data_wrapper'::regclass FROM pg_foreign_data_wrapper x
        UNION ALL
        SELECT 'ACCESS METHOD', quote_ident(x.amname), x.oid, 'pg_am'::regclass FROM pg_am x WHERE x.oid >= {FirstUserOid}
        UNION ALL
        SELECT 'CAST', '(' || format_type(x.castsource, NULL) || ' AS ' || format_type(x.casttarget, NULL) || ')', x.oid, 'pg_cast'::regclass
        FROM pg_cast x WHERE x.oid >= {FirstUserOid} AND (x.castmethod = 'b'
            OR NOT EXISTS (SELECT FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.oid IN (x.castsource, x.casttarget) AND {UserObjects.SchemaFilter}))
        UNION ALL
        SELECT 'ROUTINE', quote_ident(n.nspname) || '.' || quote_ident(p.proname) || '(' || pg_get_function_identity_arguments(p.oid) || ')', p.oid, 'pg_proc'::regclass
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.proleakproof AND {UserObjects.RoutineFilter}
        """;

    private static readonly string WithoutExtensionsSql = $"""
        SELECT o.kind, o.name, (SELECT CASE k.castmethod WHEN 'i' THEN ' WITH INOUT' WHEN 'b' THEN ' WITHOUT FUNCTION' END
                                        || CASE k.castcontext WHEN 'i' THEN ' AS IMPLICIT' WHEN 'a' THEN ' AS ASSIGNMENT' ELSE '' END
                                FROM pg_cast k WHERE o.kind = 'CAST' AND k.oid = o.oid
                                  AND NOT EXISTS (SELECT FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.oid IN (k.castsource, k.casttarget) AND {UserObjects.SchemaFilter}))
        FROM ({Sql}) o(kind, name, oid, class)
        WHERE NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = o.class AND e.objid = o.oid AND e.deptype = 'e') ORDER BY 1, 2
        """;

    public string Id => nameof(SuperuserObjects);

    public string Group => CheckGroup.Schema;

    public string Title => "Objects that only a superuser may make";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        await using var target = await context.OpenTargetAsync(cancellationToken);
        // A superuser can make a cast on the target beforehand; it is taken as it is there.
        var casts = (await ReadAsync(target, cancellationToken)).Where(one => one.Kind == "CAST").Select(one => one.Name).ToHashSet(StringComparer.Ordinal);
        var found = (await ReadAsync(source, cancellationToken)).FindAll(one => one.Kind != "CAST" || !casts.Contains(one.Name));
        if (found.Count == 0)
        {
            return Finding.Pass("Nothing in the schema needs a superuser to be made.");
        }

        return await target.ScalarAsync<bool>("SELECT rolsuper FROM pg_roles WHERE rolname = current_user", cancellationToken)
            ? Finding.Pass($"{FindingText.Count(found.Count, "object")} can be made by a superuser only; the target's role is one.")
            : Finding.Blocked(
                $"The target's role may not make {FindingText.Count(found.Count, "object")}: {FindingText.Several(found.ConvertAll(one => $"{one.Kind.ToLowerInvariant()} {one.Name}"))}.",
                "A superuser only may make them (a function: as it is LEAKPROOF); the start ends with that error.",
                Remedy(found),
                found.ConvertAll(one => one.Name));
    }

    private static Task<List<(string Kind, string Name, string? Making)>> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        connection.ListAsync(WithoutExtensionsSql, row => (row.GetString(0), row.GetString(1), row.IsDBNull(2) ? null : row.GetString(2)), cancellationToken);

    private static string Remedy(IReadOnlyList<(string Kind, string Name, string? Making)> found)
    {
        var made = found.Where(one => one.Making is not null).Select(one => $"CREATE CAST {one.Name}{one.Making}").ToList();
        var dropped = found.Where(one => one.Making is null).Select(one => one.Kind switch
        {
            "ROUTINE" => $"ALTER ROUTINE {one.Name} NOT LEAKPROOF",
            // It and the functions that read and print it hold each other.
            "TYPE" => $"DROP TYPE {one.Name} CASCADE /* with its functions, and every column of that type */",
            _ => $"DROP {one.Kind} {one.Name}",
        }).ToList();
        return (made.Count == 0 ? "" : $"-- on the target, as a superuser, before the start:\n{FindingText.Statements(made)}")
            + (made.Count > 0 && dropped.Count > 0 ? "\n" : "")
            + (dropped.Count == 0 ? "" : $"-- on the source, where nothing needs them:\n{FindingText.Statements(dropped)}");
    }
}

using HerokuMigrator.Catalog;
using Npgsql;

namespace HerokuMigrator.Readiness;

internal sealed class RemovedFeatures : IReadinessCheck
{
    /// <summary>What a version no longer takes: the version, how it is found on the source, and what it is.</summary>
    private static readonly (int Since, string Sql, string What)[] Known =
    [
        (14, $"""
            SELECT format('OPERATOR %I.%s (%s, NONE)', n.nspname, o.oprname, format_type(o.oprleft, NULL))
            FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace
            WHERE o.oprkind = 'r' AND {UserObjects.SchemaFilter} ORDER BY 1
            """, "operators behind their operand were removed in PostgreSQL 14"),
        (14, $"""
            SELECT format('AGGREGATE %I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid))
            FROM pg_aggregate g JOIN pg_proc p ON p.oid = g.aggfnoid JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE {UserObjects.SchemaFilter} AND EXISTS (
                SELECT FROM pg_proc f WHERE f.oid IN (g.aggtransfn, g.aggfinalfn, g.aggcombinefn, g.aggmtransfn, g.aggmfinalfn) AND f.pronamespace = 'pg_catalog'::regnamespace
                  AND f.proname IN ('array_append', 'array_prepend', 'array_cat', 'array_remove', 'array_replace', 'array_position', 'array_positions', 'width_bucket'))
              AND (p.proargtypes::oid[] || p.prorettype || g.aggtranstype) && ARRAY['anyarray'::regtype::oid, 'anyelement'::regtype::oid]
            ORDER BY 1
            """, "the functions of arrays that it is made of take anycompatiblearray since PostgreSQL 14"),
        (18, $"""
            SELECT format('TABLE %I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind = 'p' AND c.relpersistence = 'u' AND {UserObjects.RelationFilter} ORDER BY 1
            """, "partitioned tables can no longer be unlogged since PostgreSQL 18"),
    ];

    private const string SystemColumnsSql = $"""
        SELECT DISTINCT format('VIEW %I.%I', n.nspname, c.relname), s.relname::text, a.attname::text
        FROM pg_depend d JOIN pg_rewrite w ON w.oid = d.objid JOIN pg_class c ON c.oid = w.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_class s ON s.oid = d.refobjid JOIN pg_attribute a ON a.attrelid = s.oid AND a.attnum = d.refobjsubid
        WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
          AND s.relnamespace = 'pg_catalog'::regnamespace AND {UserObjects.RelationFilter}
        ORDER BY 1, 2, 3
        """;

    private const string PresentColumnsSql = """
        SELECT c.relname::text, a.attname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relname = ANY ($1) AND a.attnum > 0 AND NOT a.attisdropped
        """;

    public string Id => nameof(RemovedFeatures);

    public string Group => CheckGroup.Target;

    public string Title => "The schema uses nothing that the target's version of PostgreSQL no longer has";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        await using var target = await context.OpenTargetAsync(cancellationToken);
        var (from, to) = (await ServerVersions.MajorAsync(source, cancellationToken), await ServerVersions.MajorAsync(target, cancellationToken));
        if (to <= from)
        {
            return Finding.Pass($"Both sides run PostgreSQL {from}{(to < from ? $" and {to}; see ServerVersions" : "")}.");
        }

        var found = new List<(string Name, string Why)>();
        foreach (var (_, sql, what) in Known.Where(feature => from < feature.Since && feature.Since <= to))
        {
            found.AddRange(await source.ListAsync(sql, row => (row.GetString(0), what), cancellationToken));
        }

        found.AddRange(await MissingColumnsAsync(source, target, to, cancellationToken));
        return found.Count == 0
            ? Finding.Pass($"Nothing is known in the schema that PostgreSQL {to} no longer takes.")
            : Finding.Blocked(
                $"PostgreSQL {to} on the target no longer takes {FindingText.Count(found.Count, "object")} of the source: {FindingText.Several(found.ConvertAll(one => $"{one.Name} ({one.Why})"))}.",
                "Those objects could not be made on the target.",
                "-- on the source, or change them; see the release notes of PostgreSQL:\n" + FindingText.Statements(found.Select(one => Remedy(one.Name)).Distinct(StringComparer.Ordinal)),
                [.. found.Select(one => one.Name[(one.Name.IndexOf(' ', StringComparison.Ordinal) + 1)..]).Distinct(StringComparer.Ordinal)]);
    }

    /// <summary>A table is not dropped: its partitions hold rows.</summary>
    private static string Remedy(string name) =>
        name.StartsWith("TABLE ", StringComparison.Ordinal) ? $"-- make {name} anew without UNLOGGED, and attach its partitions to that" : $"DROP {name}";

    /// <summary>Views over the server's own views, whose columns come and go with its versions.</summary>
    private static async Task<List<(string Name, string Why)>> MissingColumnsAsync(NpgsqlConnection source, NpgsqlConnection target, int to, CancellationToken cancellationToken)
    {
        var used = await source.ListAsync(SystemColumnsSql, row => (View: row.GetString(0), Relation: row.GetString(1), Column: row.GetString(2)), cancellationToken);
        if (used.Count == 0)
        {
            return [];
        }

        var present = (await target.ListAsync(
            PresentColumnsSql, row => (row.GetString(0), row.GetString(1)), cancellationToken, [used.Select(one => one.Relation).Distinct(StringComparer.Ordinal).ToArray()])).ToHashSet();
        return [.. used.Where(one => !present.Contains((one.Relation, one.Column))).Select(one => (one.View, $"{one.Relation}.{one.Column} is not there in PostgreSQL {to}"))];
    }
}

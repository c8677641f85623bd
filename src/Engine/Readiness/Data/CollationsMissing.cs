using HerokuMigrator.Catalog;

namespace HerokuMigrator.Readiness;

internal sealed class CollationsMissing : IReadinessCheck
{
    /// <summary>Tried one by one; a schema has a handful.</summary>
    private const int Most = 50;

    /// <summary>All that something names, but the two that every server has; as JSON, since 15, 16 and 17 added and renamed columns.</summary>
    private const string UsedSql = $"""
        SELECT u.schema, u.name, coalesce(u.o->>'collprovider', 'c'), coalesce((u.o->>'collisdeterministic')::bool, true),
               coalesce(u.o->>'colllocale', u.o->>'colliculocale', u.o->>'collcollate', ''), coalesce(u.o->>'collctype', u.o->>'collcollate', ''), u.o->>'collicurules', u.by
        FROM (SELECT n.nspname AS schema, o.collname AS name, to_jsonb(o) AS o, min(pg_describe_object(d.classid, d.objid, d.objsubid)) AS by
              FROM pg_collation o JOIN pg_namespace n ON n.oid = o.collnamespace
              JOIN pg_depend d ON d.refclassid = 'pg_collation'::regclass AND d.refobjid = o.oid AND d.deptype = 'n'
              WHERE (n.nspname = 'pg_catalog' OR {UserObjects.SchemaFilter}) AND o.collname NOT IN ('C', 'POSIX', 'default')
                AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_collation'::regclass AND e.objid = o.oid AND e.deptype = 'e')
              GROUP BY o.oid, o.*, n.nspname, o.collname) u
        ORDER BY 1, 2
        """;

    private sealed record Used(string Schema, string Name, string Provider, bool Deterministic, string Collate, string CharacterType, string? Rules, string By)
    {
        public string QualifiedName => SqlName.Qualify(Schema, Name);

        public bool IsOfServer => Schema == "pg_catalog";

        public string Create(string name)
        {
            var provider = Provider switch { "i" => "icu", "b" => "builtin", _ => "libc" };
            var locale = Provider == "c"
                ? $"LC_COLLATE = {SqlName.Literal(Collate)}, LC_CTYPE = {SqlName.Literal(CharacterType)}"
                : $"LOCALE = {SqlName.Literal(Collate)}{(Deterministic ? "" : ", DETERMINISTIC = false")}{(Rules is null ? "" : $", RULES = {SqlName.Literal(Rules)}")}";
            return $"CREATE COLLATION {name} (PROVIDER = {provider}, {locale})";
        }
    }

    public string Id => nameof(CollationsMissing);

    public string Group => CheckGroup.Data;

    public string Title => "The target has every collation that the schema names";

    public async Task<Finding> RunAsync(ReadinessContext context, CancellationToken cancellationToken)
    {
        await using var source = await context.OpenSourceAsync(cancellationToken);
        await using var target = await context.OpenTargetAsync(cancellationToken);
        var used = await source.ListAsync(
            UsedSql,
            row => new Used(
                row.GetString(0), row.GetString(1), row.GetString(2), row.GetBoolean(3), row.GetString(4), row.GetString(5), row.IsDBNull(6) ? null : row.GetString(6), row.GetString(7)),
            cancellationToken);
        var known = (await target.ListAsync(
            "SELECT o.collname::text FROM pg_collation o WHERE o.collnamespace = 'pg_catalog'::regnamespace AND o.collencoding IN (-1, pg_char_to_encoding(getdatabaseencoding()))",
            row => row.GetString(0), cancellationToken)).ToHashSet(StringComparer.Ordinal);
        var missing = used.Where(one => one.IsOfServer && !known.Contains(one.Name)).Select(one => (Collation: one, Why: "the target's server has none of that name")).ToList();
        foreach (var own in used.Where(one => !one.IsOfServer).Take(Most))
        {
            // In the session's temporary schema, as that of the collation may not be there yet.
            if (await Probe.TryAsync(target, cancellationToken, own.Create("pg_temp.readiness_probe")) is { } refusal)
            {
                missing.Add((own, refusal.MessageText));
            }
        }

        return missing.Count == 0
            ? Finding.Pass(used.Count == 0 ? "The schema names no collation of its own." : $"The target has, or can make, {FindingText.Count(used.Count, "collation")} that the schema names.")
            : Finding.Blocked(
                $"The target lacks {FindingText.Count(missing.Count, "collation")}: {FindingText.Several(missing.ConvertAll(one => $"{one.Collation.QualifiedName} ({one.Why}; used by {one.Collation.By})"))}.",
                "What names it cannot be made on the target, so the start would end before the first row.",
                "-- on the target, as a superuser, once its operating system has the locale; or give what uses it another collation on the source\n"
                + FindingText.Statements(missing.Select(one => one.Collation.IsOfServer ? one.Collation.Create("pg_catalog." + SqlName.Quote(one.Collation.Name)) : "-- " + one.Collation.Create(one.Collation.QualifiedName))),
                missing.ConvertAll(one => one.Collation.QualifiedName));
    }
}
